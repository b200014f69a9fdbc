//! `portkeeper demo`: runs the real handler in a small simulated account in which ECS and the load
//! balancer misbehave.

pub(crate) mod account;
mod scenes;
mod specs;
mod summary;
mod timeline;

use crate::CommandError;
use portkeeper_core::report::{SnsMessage, slack_message};
use portkeeper_stage::{Stage, StageError};
use serde_json::Value;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use summary::Summary;
use timeline::Timeline;

/// The pause between two scenes, so that a reader can follow.
const PAUSE: Duration = Duration::from_millis(1500);

/// Plays every scene and prints a timeline, or one JSON document. Writes the alerts to a folder, if
/// one is given.
pub fn run(seed: u64, json: bool, fast: bool, alerts: Option<&Path>) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(play(seed, json, fast, alerts))
}

async fn play(
    seed: u64,
    json: bool,
    fast: bool,
    alerts: Option<&Path>,
) -> Result<(), CommandError> {
    let refused = |what: String| move |source: StageError| CommandError::Stage { what, source };
    let scene_failed = |title: &str| refused(format!("play the scene `{title}`"));
    let unwritable = |source| CommandError::Unwritable {
        path: alerts.unwrap_or(Path::new("")).to_owned(),
        source,
    };
    // Created before the scenes, which take a while.
    alerts.map_or(Ok(()), fs::create_dir_all).map_err(unwritable)?;
    let mut stage = Stage::new(seed, &[]).map_err(refused("deploy Portkeeper".to_owned()))?;
    let parts =
        account::build(&mut stage.world.lock()).map_err(refused("build the account".to_owned()))?;
    let mut timeline = Timeline::new(&stage, !json);
    timeline.introduce(&parts)?;
    let checked =
        timeline.settle(&mut stage).await.map_err(refused("start the services".to_owned()))?;
    timeline.say(&format!(
        "All services are running: {checked} checks, no findings, no writes to target groups."
    ))?;
    for scene in scenes::ALL {
        if !fast && !json && io::stdout().is_terminal() {
            sleep(PAUSE);
        }
        timeline.title(scene.title, scene.story)?;
        scenes::play(*scene, &mut stage, &parts, &mut timeline)
            .await
            .map_err(scene_failed(scene.title))?;
    }
    if !fast && !json && io::stdout().is_terminal() {
        sleep(PAUSE);
    }
    timeline.title(specs::TITLE, specs::STORY)?;
    let stage = specs::play(stage, &mut timeline).await.map_err(scene_failed(specs::TITLE))?;
    if let Some(folder) = alerts {
        let count = write_alerts(folder, &timeline.messages).map_err(unwritable)?;
        timeline.say(&format!(
            "\nWrote {count} alerts to {}, each as text, JSON and Block Kit.",
            folder.display()
        ))?;
    }
    let summary = Summary::of(&stage, &timeline);
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &summary.to_json(seed, &timeline))
            .map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    } else {
        summary.print(&mut out)?;
    }
    summary.verify().map_err(CommandError::Unexpected)
}

/// Writes three files for each alert, numbered in the order in which they were sent.
fn write_alerts(folder: &Path, messages: &[SnsMessage]) -> io::Result<usize> {
    let pretty = |value: &Value| -> io::Result<String> {
        Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
    };
    for (number, message) in messages.iter().enumerate() {
        let document = &message.document;
        let name = format!("{:02}-{}-{}", number + 1, document.code, document.state.as_str());
        let text = format!("Subject: {}\n\n{}\n", message.subject, message.body);
        fs::write(folder.join(format!("{name}.txt")), text)?;
        fs::write(
            folder.join(format!("{name}.json")),
            pretty(&serde_json::from_str(&document.to_json())?)?,
        )?;
        fs::write(
            folder.join(format!("{name}.slack.json")),
            pretty(slack_message(document).to_json())?,
        )?;
    }
    Ok(messages.len())
}
