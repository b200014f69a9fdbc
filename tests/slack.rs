//! From the queue to Slack: a real HTTP server plays Slack and gives each bad answer. Holds C-40,
//! C-41.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "These are tests."
)]

use aws_lambda_events::sqs::SqsEvent;
use portkeeper_aws::dead_letters::DeadLetters;
use portkeeper_aws::secrets::Secrets;
use portkeeper_notify_slack::{SlackClient, handle};
use portkeeper_tests::slack_server::{Reply, Slack};
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::http::{SharedWorld, sdk_config};
use serde_json::{Value, json};

/// An alert as the core writes it.
const ALERT: &str = include_str!("../shared/core/tests/forms/hijacked.json");

const SECRET: &str = "portkeeper/slack";
const DEAD_LETTERS: &str = "slack-dead-letters";
const OK: Reply = Reply::Say(200, "ok", None);

/// A function with its account, and Slack.
struct Desk {
    world: SharedWorld,
    slack: Slack,
    client: SlackClient,
    dead_letters: DeadLetters,
}

impl Desk {
    async fn new(script: &[Reply]) -> Self {
        let slack = Slack::start(script).await;
        let secret = slack.webhook("default");
        Self::with(slack, Some(&secret))
    }

    fn with(slack: Slack, secret: Option<&str>) -> Self {
        let mut world = World::new(1, 1_795_392_000_000);
        let queue = json!({"QueueName": DEAD_LETTERS});
        let made = world.call(Caller::Person, Service::Sqs, "CreateQueue", &queue).unwrap();
        if let Some(secret) = secret {
            world.put_secret(SECRET, secret);
        }
        let world = SharedWorld::new(world);
        let sdk = sdk_config(&world);
        let client = SlackClient::new(Secrets::from_sdk_config(&sdk), SECRET.to_owned());
        let dead_letters =
            DeadLetters::from_sdk_config(&sdk, made["QueueUrl"].as_str().unwrap().to_owned());
        Self { world, slack, client, dead_letters }
    }

    /// Invokes the function with messages and this many seconds to handle them. Returns how many
    /// are retried.
    async fn hand_over(&self, bodies: &[&str], seconds: u32) -> usize {
        let records: Vec<Value> = bodies
            .iter()
            .enumerate()
            .map(|(number, body)| json!({"messageId": format!("m{number}"), "body": body}))
            .collect();
        let event: SqsEvent = serde_json::from_value(json!({"Records": records})).unwrap();
        let deadline = self.client.now().plus_secs(seconds);
        handle(&self.client, &self.dead_letters, event, deadline).await.batch_item_failures.len()
    }

    /// Returns the reasons in the dead-letter queue.
    fn put_aside(&self) -> Vec<String> {
        let world = self.world.lock();
        let reason = |attributes: &serde_json::Map<String, Value>| {
            attributes["reason"]["StringValue"].as_str().unwrap().to_owned()
        };
        world.sqs.messages(DEAD_LETTERS).map(|message| reason(&message.attributes)).collect()
    }

    fn secret_reads(&self) -> usize {
        self.world.lock().calls.of("GetSecretValue").count()
    }
}

fn notification(message: &str) -> String {
    json!({"Type": "Notification", "Subject": "subject", "Message": message}).to_string()
}

fn alert() -> String {
    notification(ALERT)
}

#[tokio::test]
async fn an_alert_arrives_and_the_secret_is_read_once() {
    let desk = Desk::new(&[]).await;
    assert_eq!(desk.hand_over(&[&alert(), &alert()], 30).await, 0);
    assert_eq!(desk.hand_over(&[&alert()], 30).await, 0);
    let posts = desk.slack.posts();
    assert_eq!(posts.len(), 3);
    let blocks = posts[0].message["attachments"][0]["blocks"].to_string();
    assert!(blocks.contains("escalated: hijacked in shop/web"), "{blocks}");
    assert_eq!((desk.secret_reads(), desk.put_aside()), (1, vec![]));
}

#[tokio::test]
async fn whatever_is_on_the_topic_is_delivered() {
    let desk = Desk::new(&[]).await;
    let newer = ALERT.replace("\"version\": 1", "\"version\": 9");
    let unknown = ALERT.replace("\"code\": \"hijacked\"", "\"code\": \"brand_new\"");
    let long = "x".repeat(300_000);
    let bodies = [newer, unknown, "hello".to_owned(), String::new(), long]
        .map(|message| notification(&message));
    let mut bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    bodies.extend(["not even JSON", ""]);
    assert_eq!(desk.hand_over(&bodies, 30).await, 0);
    assert_eq!(desk.slack.posts().len(), bodies.len());
    assert!(desk.slack.posts()[1].message.to_string().contains("brand_new"));
    assert_eq!(desk.put_aside(), [""; 0]);
}

/// Holds I-DELIVERY. Each answer: all posts, the number of retried messages, and the messages in
/// the dead-letter queue.
#[tokio::test]
async fn each_bad_answer() {
    let say = |status, body| Reply::Say(status, body, None);
    let cases: Vec<(Vec<Reply>, usize, usize, &[&str])> = vec![
        // Retry-After is honoured while there is time; a missing one has a default.
        (vec![Reply::Say(429, "rate_limited", Some("1")), OK], 2, 0, &[]),
        (vec![say(429, "rate_limited"), OK], 2, 0, &[]),
        (vec![Reply::Say(429, "rate_limited", Some("not a number")), OK], 2, 0, &[]),
        // Longer than the function's remaining time: the message is retried.
        (vec![Reply::Say(429, "rate_limited", Some("60"))], 1, 1, &[]),
        // Slack or a proxy in front of it is unavailable.
        (vec![say(500, "internal_error")], 1, 1, &[]),
        (vec![say(503, "")], 1, 1, &[]),
        (vec![say(200, "<html>sign in</html>")], 1, 1, &[]),
        (vec![say(200, "")], 1, 1, &[]),
        // Slack refuses the blocks: the plain text is tried.
        (vec![say(400, "invalid_blocks"), OK], 2, 0, &[]),
        (
            vec![say(400, "invalid_blocks"), say(400, "invalid_payload")],
            2,
            0,
            &["400 Bad Request: invalid_payload"],
        ),
        // Permanent failures.
        (vec![say(400, "no_text")], 1, 0, &["400 Bad Request: no_text"]),
        (vec![say(403, "action_prohibited")], 1, 0, &["403 Forbidden: action_prohibited"]),
        (vec![say(404, "no_service")], 1, 0, &["404 Not Found: no_service"]),
        (vec![say(410, "channel_is_archived")], 1, 0, &["410 Gone: channel_is_archived"]),
        (vec![say(302, "elsewhere")], 1, 0, &["302 Found: elsewhere"]),
    ];
    for (script, posts, back, aside) in cases {
        let desk = Desk::new(&script).await;
        let failed = desk.hand_over(&[&alert()], 30).await;
        assert_eq!((desk.slack.posts().len(), failed), (posts, back), "{script:?}");
        let reasons = desk.put_aside();
        assert_eq!(reasons.len(), aside.len(), "{script:?}: {reasons:?}");
        for (reason, wanted) in reasons.iter().zip(aside) {
            assert_eq!(reason, &format!("Slack refused the message (route default): {wanted}"));
        }
    }
}

/// Holds I-DELIVERY.
#[tokio::test]
async fn a_missing_answer_is_retried() {
    let desk = Desk::new(&[Reply::Hang]).await;
    assert_eq!(desk.hand_over(&[&alert(), &alert()], 30).await, 1);
    assert_eq!((desk.slack.posts().len(), desk.put_aside()), (2, vec![]));
}

/// Holds I-DELIVERY. Without time left nothing is started, and every message is retried.
#[tokio::test]
async fn messages_without_time_left_are_retried() {
    let desk = Desk::new(&[]).await;
    assert_eq!(desk.hand_over(&[&alert(), &alert()], 3).await, 2);
    assert_eq!(desk.slack.posts(), []);
}

/// The function finds a replaced webhook in the secret without a restart.
#[tokio::test]
async fn a_revoked_webhook_is_read_again() {
    let desk = Desk::new(&[OK, Reply::Say(404, "no_service", None)]).await;
    assert_eq!(desk.hand_over(&[&alert()], 30).await, 0);
    desk.world.lock().put_secret(SECRET, &desk.slack.webhook("new"));
    assert_eq!(desk.hand_over(&[&alert()], 30).await, 0);
    assert_eq!(desk.slack.paths(), ["default", "default", "new"]);
    assert_eq!((desk.secret_reads(), desk.put_aside()), (2, vec![]));
}

#[tokio::test]
async fn routes_choose_the_webhook() {
    let slack = Slack::start(&[]).await;
    let secret = json!({
        "default": slack.webhook("default"),
        "routes": [
            {"name": "night", "severity": ["critical"], "url": slack.webhook("night")},
            {"name": "shop", "service": "shop/*", "url": slack.webhook("shop")},
            {"name": "team", "owner": "team-a", "url": slack.webhook("team")},
        ],
    });
    let desk = Desk::with(slack, Some(&secret.to_string()));
    let quiet = ALERT.replace("\"severity\": \"critical\"", "\"severity\": \"info\"");
    let bank =
        quiet.replace("\"cluster\": \"shop\"", "\"cluster\": \"bank\", \"owner\": \"team-a\"");
    let bodies = [alert(), notification(&quiet), notification(&bank), notification("hello")];
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    assert_eq!(desk.hand_over(&bodies, 30).await, 0);
    assert_eq!(desk.slack.paths(), ["night", "shop", "team", "default"]);
}

/// Holds I-DELIVERY. An operator must fix the secret: until then every message waits in the queue.
/// A message without a route needs an operator, too, but waiting would hide it.
#[tokio::test]
async fn a_secret_that_cannot_be_used_keeps_the_messages() {
    for secret in [
        None,
        Some("not-a-url"),
        Some("http://hooks.slack.com/services/x"),
        Some("{\"default\": 1}"),
    ] {
        let desk = Desk::with(Slack::start(&[]).await, secret);
        assert_eq!(desk.hand_over(&[&alert()], 30).await, 1, "{secret:?}");
        assert_eq!((desk.slack.posts().len(), desk.put_aside().len()), (0, 0), "{secret:?}");
        desk.world.lock().put_secret(SECRET, &desk.slack.webhook("default"));
        assert_eq!(desk.hand_over(&[&alert()], 30).await, 0, "{secret:?}");
    }
    let slack = Slack::start(&[]).await;
    let only = json!({"routes": [{"owner": "nobody", "url": slack.webhook("x")}]}).to_string();
    let desk = Desk::with(slack, Some(&only));
    assert_eq!(desk.hand_over(&[&alert()], 30).await, 0);
    assert!(
        desk.put_aside()[0].starts_with(
            "cannot route the message: no route of the secret matches severity critical, service `shop/web`"
        )
    );
}

/// Holds I-DELIVERY. A message that cannot be moved to the dead-letter queue is retried: it is not
/// lost.
#[tokio::test]
async fn nothing_is_lost_when_the_dead_letter_queue_fails() {
    let desk = Desk::new(&[Reply::Say(410, "channel_is_archived", None)]).await;
    desk.world.lock().faults.add(Rule::new(Service::Sqs, "SendMessage", Fault::AccessDenied));
    assert_eq!(desk.hand_over(&[&alert()], 30).await, 1);
}
