//! S3 through the real SDK client: with the bucket in the host name, as on AWS, and in the path, as
//! on a loopback port.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use portkeeper_world::World;
use portkeeper_world::api::{Caller, Service};
use portkeeper_world::faults::{Fault, Rule};
use portkeeper_world::http::{SharedWorld, sdk_config};
use serde_json::json;

/// Keys that exist in practice and that programs often handle wrongly (C-48).
const ODD_KEYS: [&str; 9] = [
    "specs/red flower.yaml",
    "specs/a+b.yaml",
    "specs/50%.yaml",
    "specs/50%25.yaml",
    "specs/größe-日本.yaml",
    "specs//double.yaml",
    "specs/q?x=1&y#z.yaml",
    "specs/(a)[b]{c}'\"~!*,;:@=$.yaml",
    "/specs/leading.yaml",
];

fn world() -> SharedWorld {
    let mut world = World::new(1, 1_700_000_000_000);
    world.make_bucket("specs").unwrap();
    world.into()
}

/// Clients of both kinds. Their requests reach the account in process.
fn clients(world: &SharedWorld) -> [Client; 2] {
    let in_host = sdk_config(world);
    let in_path = in_host.clone().into_builder().endpoint_url("http://127.0.0.1:4566").build();
    [in_host, in_path].map(|config| Client::new(&config))
}

#[tokio::test]
async fn every_key_is_written_read_listed_and_deleted() {
    let world = world();
    for client in clients(&world) {
        for key in ODD_KEYS {
            let put = client
                .put_object()
                .bucket("specs")
                .key(key)
                .content_type("application/yaml")
                .metadata("who", "me");
            let put = put.body(ByteStream::from_static(b"cluster: shop\n")).send().await.unwrap();
            assert!(put.checksum_crc32().is_some(), "the SDK sends one by itself");
            let version = put.version_id().unwrap();
            let get = client.get_object().bucket("specs").key(key).version_id(version);
            let got = get.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
            assert_eq!(
                (got.content_type(), got.version_id()),
                (Some("application/yaml"), Some(version))
            );
            assert_eq!(got.metadata().unwrap()["who"], "me");
            assert_eq!(got.checksum_crc32(), put.checksum_crc32());
            assert_eq!(got.last_modified().unwrap().secs(), 1_700_000_000);
            assert_eq!(got.body.collect().await.unwrap().to_vec(), b"cluster: shop\n");
            let head = client
                .head_object()
                .bucket("specs")
                .key(key)
                .if_match(put.e_tag().unwrap())
                .send()
                .await
                .unwrap();
            assert_eq!((head.content_length(), head.e_tag()), (Some(14), put.e_tag()));
        }
        let listed =
            client.list_objects_v2().bucket("specs").prefix("specs/").send().await.unwrap();
        let mut keys: Vec<&str> =
            listed.contents().iter().filter_map(|object| object.key()).collect();
        let mut expected: Vec<&str> =
            ODD_KEYS.into_iter().filter(|key| key.starts_with("specs/")).collect();
        keys.sort_unstable();
        expected.sort_unstable();
        assert_eq!(keys, expected);
        for key in ODD_KEYS {
            let deleted = client.delete_object().bucket("specs").key(key).send().await.unwrap();
            assert_eq!(deleted.delete_marker(), Some(true));
        }
        assert_eq!(world.lock().s3.keys("specs"), [""; 0]);
    }
    let announced = world.lock();
    let keys = announced
        .eventbridge
        .events()
        .iter()
        .map(|event| event["detail"]["object"]["key"].as_str().unwrap());
    assert!(keys.clone().all(|key| ODD_KEYS.contains(&key)) && keys.count() == 4 * ODD_KEYS.len());
}

#[tokio::test]
async fn errors_have_their_codes() {
    let world = world();
    for client in clients(&world) {
        let put = client
            .put_object()
            .bucket("specs")
            .key("a")
            .body(ByteStream::from_static(b"x"))
            .send()
            .await
            .unwrap();
        let get = || client.get_object().bucket("specs").key("a");
        let code =
            async |call: aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder| {
                let error = call.send().await.unwrap_err().into_service_error();
                error.code().unwrap_or_default().to_owned()
            };
        assert_eq!(code(get().key("b")).await, "NoSuchKey");
        assert_eq!(code(get().bucket("other")).await, "NoSuchBucket");
        assert_eq!(code(get().version_id("0".repeat(32))).await, "NoSuchVersion");
        assert_eq!(code(get().if_match("\"0\"")).await, "PreconditionFailed");
        assert!(get().key("b").send().await.unwrap_err().into_service_error().is_no_such_key());
        world.lock().faults.add(Rule::new(Service::S3, "GetObject", Fault::AccessDenied));
        assert_eq!(code(get()).await, "AccessDenied");
        let head = client.head_object().bucket("specs").key("b").send().await.unwrap_err();
        assert!(head.into_service_error().is_not_found());
        client
            .delete_object()
            .bucket("specs")
            .key("a")
            .version_id(put.version_id().unwrap())
            .send()
            .await
            .unwrap();
        assert!(client.head_object().bucket("specs").key("a").send().await.is_err());
    }
}

#[tokio::test]
async fn throttling_lost_requests_and_lost_answers_are_survived() {
    let world = world();
    let [client, _] = clients(&world);
    let put = async || {
        client
            .put_object()
            .bucket("specs")
            .key("a")
            .body(ByteStream::from_static(b"x"))
            .send()
            .await
    };
    for fault in [Fault::Throttle, Fault::LoseRequest, Fault::LoseAnswer] {
        world.lock().faults.add(Rule::new(Service::S3, "PutObject", fault));
        put().await.unwrap();
    }
    let events = world.lock().eventbridge.events().len();
    assert_eq!(
        events, 4,
        "the write whose answer was lost was carried out twice, and S3 sends an event for each"
    );
    world.lock().faults.add(Rule::new(Service::S3, "PutObject", Fault::Throttle).forever());
    assert_eq!(put().await.unwrap_err().into_service_error().code(), Some("SlowDown"));
}

#[tokio::test]
async fn a_body_of_unknown_length_comes_in_chunks() {
    let world = world();
    let [client, _] = clients(&world);
    let text = "orders: 1\n".repeat(20_000);
    let path = std::env::temp_dir().join(format!("portkeeper-{}.yaml", std::process::id()));
    std::fs::write(&path, &text).unwrap();
    let body = ByteStream::from_path(&path).await.unwrap();
    let put = client.put_object().bucket("specs").key("big").body(body).send().await;
    std::fs::remove_file(&path).unwrap();
    let put = put.unwrap();
    assert!(put.checksum_crc32().is_some());
    assert_eq!(world.lock().s3.object("specs", "big"), Some(text.as_bytes()));
    let input = world.lock().calls.of("PutObject").last().unwrap().input.clone();
    assert_eq!(input.get("ContentEncoding"), None, "how it was sent is not what it is");
    let again = json!({"Bucket": "specs", "Key": "big", "Range": "bytes=0-8"});
    let part = world.lock().call(Caller::Person, Service::S3, "GetObject", &again).unwrap();
    assert_eq!(part["ContentLength"], 9);
}
