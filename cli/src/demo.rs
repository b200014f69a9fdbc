//! `portkeeper demo`: a small account in which ECS and the load balancer misbehave, with the real handler at work.

pub(crate) mod account;
mod scenes;
mod summary;
mod timeline;

use crate::CommandError;
use crate::stage::{Stage, StageError};
use std::io::{self, IsTerminal as _, Write as _};
use std::thread::sleep;
use std::time::Duration;
use summary::Summary;
use timeline::Timeline;

/// Between two scenes, so that a person can read along.
const PAUSE: Duration = Duration::from_millis(1500);

/// Plays every scene and prints what happened, or one JSON document about it.
pub fn run(seed: u64, json: bool, fast: bool) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(play(seed, json, fast))
}

async fn play(seed: u64, json: bool, fast: bool) -> Result<(), CommandError> {
    let refused = |what| move |source: StageError| CommandError::Stage { what, source };
    let mut stage = Stage::new(seed, &[]).map_err(refused("deploy Portkeeper"))?;
    let parts = account::build(&mut stage.world.lock()).map_err(refused("build the account"))?;
    let mut timeline = Timeline::new(&stage, !json);
    timeline.introduce(&parts)?;
    let checked = timeline.settle(&mut stage).await.map_err(refused("start its services"))?;
    timeline
        .say(&format!("Everything is in order: {checked} checks, no finding, nothing written to any target group."))?;
    for scene in scenes::ALL {
        if !fast && !json && io::stdout().is_terminal() {
            sleep(PAUSE);
        }
        timeline.title(scene.title, scene.story)?;
        scenes::play(*scene, &mut stage, &parts, &mut timeline).await.map_err(refused(scene.title))?;
    }
    let summary = Summary::of(&stage, &timeline);
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &summary.to_json(seed, &timeline)).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    } else {
        summary.print(&mut out)?;
    }
    summary.verify().map_err(CommandError::Unexpected)
}
