//! The function is killed between any two calls, or its answers are lost. Afterwards exactly one of
//! everything exists or, if AWS refuses the service, nothing. Every point is tried, in order.

use aws_lambda_events::sqs::SqsEvent;
use portkeeper_create_service::handle;
use portkeeper_tests::desk::{Desk, KEY, ORDERS};
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::sqs::finish_batch;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

const MADE: [&str; 4] =
    ["task definition orders:1", "target group orders", "rule 1000", "service orders"];

/// Long enough for a message to be retried several times, and for the tasks to become healthy.
const LATER_SECS: u64 = 1500;

/// The duration of every call: without it a function would run from start to end in one step.
const INTERLEAVING_MS: u64 = 5;

/// Returns the number of calls that clients made.
fn calls(desk: &Desk) -> usize {
    desk.world().calls.all().iter().filter(|call| call.caller == Caller::Client).count()
}

/// Invokes the function with a message and kills it after this many calls. Returns false if it
/// finished before that.
async fn kill_after(desk: &Desk, limit: usize) -> bool {
    let batch = desk.specs.take().unwrap();
    let event: SqsEvent = serde_json::from_value(batch.clone()).unwrap();
    let office = desk.specs.another().unwrap();
    let deadline = office.aws.shared.now().plus_secs(60);
    let before = calls(desk);
    desk.world().faults.latency_ms = INTERLEAVING_MS;
    let answer = {
        let mut run = pin!(handle(&office, event, deadline));
        poll_fn(|context| {
            let state = run.as_mut().poll(context);
            match state {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if calls(desk) - before >= limit => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    };
    desk.world().faults.latency_ms = 0;
    let response = answer.as_ref().map(|answer| serde_json::to_value(answer).unwrap());
    // A killed function does not answer: the message becomes visible again after its visibility
    // timeout.
    finish_batch(
        &mut desk.world(),
        portkeeper_stage::specs::SPECS_QUEUE,
        &batch,
        response.as_ref().ok_or(()),
    );
    answer.is_none()
}

/// Kills the function at each point in turn, each time in a new account, and lets `judge` check
/// that account afterwards.
async fn at_every_point(
    arrange: impl Fn(&Desk),
    before: Option<&str>,
    text: &str,
    judge: impl Fn(&Desk, usize),
) -> usize {
    for point in 1.. {
        let mut desk = Desk::default();
        if let Some(before) = before {
            desk.carry_out(before).await;
        }
        arrange(&desk);
        desk.drop_spec(KEY, text);
        let killed = kill_after(&desk, point).await;
        desk.run(LATER_SECS).await;
        judge(&desk, point);
        if !killed {
            return point;
        }
    }
    unreachable!("every run comes to its end")
}

/// Holds I-ONCE.
#[tokio::test]
async fn killed_at_any_call_there_is_one_of_everything() {
    let points = at_every_point(
        |_| {},
        None,
        ORDERS,
        |desk, point| {
            assert_eq!(desk.things(), MADE, "killed after call {point}");
            assert_eq!(
                desk.status(KEY),
                "ready",
                "killed after call {point}: {:#}",
                desk.result(KEY)
            );
            assert_eq!(desk.healthy("orders"), 2, "killed after call {point}");
        },
    );
    assert!(points.await > 15, "the run has many points");
}

/// Holds I-UNDO.
#[tokio::test]
async fn killed_at_any_call_nothing_remains_of_a_refused_service() {
    let refuse = |desk: &Desk| {
        desk.refuse_all(Service::Ecs, "CreateService", "InvalidParameterException", "no");
    };
    let points = at_every_point(refuse, None, ORDERS, |desk, point| {
        assert_eq!(desk.things(), [""; 0], "killed after call {point}: {:#}", desk.result(KEY));
        assert_eq!(desk.status(KEY), "failed", "killed after call {point}");
    });
    assert!(points.await > 15, "the run has many points");
}

/// Holds I-ONCE.
#[tokio::test]
async fn killed_at_any_call_a_change_is_applied_once() {
    let changed = ORDERS.replace("orders:1", "orders:2");
    let points = at_every_point(
        |_| {},
        Some(ORDERS),
        &changed,
        |desk, point| {
            let one = ["task definition orders:1", "task definition orders:2"];
            let things = desk.things();
            assert_eq!(things[..2], one, "killed after call {point}");
            assert_eq!(things[2..], MADE[1..], "killed after call {point}");
            assert_eq!(desk.status(KEY), "ready", "killed after call {point}");
            assert!(
                desk.service("orders")["taskDefinition"].as_str().unwrap().ends_with("/orders:2")
            );
        },
    );
    assert!(points.await > 10, "the run has many points");
}

/// Holds I-UNDO. The function is killed, and a newer version arrives before the message is retried:
/// the newer version is applied, and nothing else remains.
#[tokio::test]
async fn killed_and_superseded_only_the_newer_version_is_applied() {
    for point in 1.. {
        let mut desk = Desk::default();
        desk.drop_spec(KEY, ORDERS);
        let killed = kill_after(&desk, point).await;
        desk.world().advance_secs(70);
        desk.drop_spec(KEY, &ORDERS.replace("path: /orders/*", "path: /o/*\n    priority: 7"));
        desk.run(LATER_SECS).await;
        let things = desk.things();
        let made = ["target group orders", "rule 7", "service orders"];
        assert_eq!(
            things.iter().filter(|thing| !thing.starts_with("task definition")).collect::<Vec<_>>(),
            made,
            "{point}"
        );
        assert_eq!(desk.status(KEY), "ready", "killed after call {point}: {:#}", desk.result(KEY));
        if !killed {
            assert!(point > 15, "the run has many points");
            return;
        }
    }
}

/// Holds I-ONCE. The answer to each call is lost once: AWS has carried out the call, and the
/// function does not know.
#[tokio::test]
async fn with_any_answer_lost_there_is_one_of_everything() {
    for skip in 0.. {
        let mut desk = Desk::default();
        desk.fault(Rule::any(Fault::LoseAnswer).skip(skip));
        desk.drop_spec(KEY, ORDERS);
        desk.deliver().await;
        let struck = desk.world().faults.applied().len() == 1;
        desk.run(LATER_SECS).await;
        assert_eq!(desk.things(), MADE, "answer {skip} lost");
        assert_eq!(desk.status(KEY), "ready", "answer {skip} lost");
        if !struck {
            assert!(skip > 15, "the run has many calls");
            return;
        }
    }
}

/// An interrupted deletion resumes.
#[tokio::test]
async fn killed_at_any_call_a_deletion_completes() {
    for point in 1.. {
        let mut desk = Desk::default();
        desk.carry_out(&format!("{ORDERS}onDelete: delete\n")).await;
        desk.remove(KEY);
        let killed = kill_after(&desk, point).await;
        desk.run(2 * LATER_SECS).await;
        assert_eq!(desk.things(), MADE[..1], "killed after call {point}");
        assert_eq!(
            desk.status(KEY),
            "deleted",
            "killed after call {point}: {:#}",
            desk.result(KEY)
        );
        if !killed {
            assert!(point > 10, "the removal has many points");
            return;
        }
    }
}
