//! Requests and responses on the wire: both protocols, errors, lost connections.

use super::{SharedWorld, WorldSleep, codec_query, handle, serve};
use crate::faults::{Fault, Rule};
use crate::{World, digest};
use ::http::{Request, Response};
use serde_json::{Value, json};
use std::sync::Mutex;

fn post(headers: &[(&str, &str)], body: &str) -> Request<Vec<u8>> {
    let mut request = Request::post("http://127.0.0.1/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.as_bytes().to_vec()).unwrap()
}

fn json_call(world: &SharedWorld, target: &str, body: &str) -> Response<Vec<u8>> {
    handle(world, &post(&[("x-amz-target", target)], body)).unwrap()
}

fn query(world: &SharedWorld, body: &str) -> (u16, String) {
    let answer = handle(world, &post(&[], body)).unwrap();
    (answer.status().as_u16(), String::from_utf8(answer.into_body()).unwrap())
}

fn world() -> SharedWorld {
    World::new(1, 0).into()
}

#[test]
fn json_answers_and_errors() {
    let world = world();
    let made = json_call(&world, "AmazonSQS.CreateQueue", r#"{"QueueName":"checks"}"#);
    assert_eq!(made.headers()["content-type"], "application/x-amz-json-1.0");
    assert!(made.headers().contains_key("x-amzn-requestid"));
    let body: Value = serde_json::from_slice(made.body()).unwrap();
    assert_eq!(
        body,
        json!({"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/checks"})
    );

    let missing = json_call(&world, "AmazonSQS.GetQueueUrl", r#"{"QueueName":"other"}"#);
    assert_eq!(missing.status(), 400);
    assert_eq!(
        missing.headers()["x-amzn-query-error"],
        "AWS.SimpleQueueService.NonExistentQueue;Sender"
    );
    assert_eq!(missing.headers()["x-amzn-errortype"], "QueueDoesNotExist");
    let body: Value = serde_json::from_slice(missing.body()).unwrap();
    let message = "The specified queue does not exist.";
    assert_eq!(body, json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": message}));
}

#[test]
fn a_request_for_no_operation_is_rejected_with_the_reason() {
    let world = world();
    for (headers, body, code) in [
        (vec![("x-amz-target", "AmazonSQS.GetQueueUrl")], "{", "SerializationException"),
        (vec![("x-amz-target", "AmazonSQS.GetQueueUrl")], "[]", "SerializationException"),
        (vec![("x-amz-target", "AmazonSQS.Nothing")], "{}", "UnknownOperationException"),
        (vec![("x-amz-target", "Kinesis.Put")], "{}", "UnknownOperationException"),
        (vec![], "Action=A&Version=1999-01-01", "UnknownOperationException"),
        (vec![], "Version=2010-03-31", "MissingAction"),
        (vec![], "Action=Nothing&Version=2010-03-31", "InvalidAction"),
        (vec![], "Action=Publish&Version=2010-03-31&A=1&A.B=2", "MalformedQueryString"),
    ] {
        let answer = handle(&world, &post(&headers, body)).unwrap();
        assert_eq!(answer.status(), 400);
        let text = String::from_utf8(answer.into_body()).unwrap();
        assert!(text.contains(code), "{body}: {text}");
    }
    let get = Request::get("http://127.0.0.1/").body(Vec::new()).unwrap();
    assert_eq!(handle(&world, &get).unwrap().status(), 400);
}

#[test]
fn query_answers_and_errors() {
    let world = world();
    let (status, body) = query(&world, "Action=CreateTopic&Version=2010-03-31&Name=alerts");
    let request_id = digest::uuid("request", 0);
    assert_eq!(
        (status, body),
        (
            200,
            format!(
                "<CreateTopicResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><CreateTopicResult>\
                 <TopicArn>arn:aws:sns:eu-west-1:111122223333:alerts</TopicArn></CreateTopicResult>\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></CreateTopicResponse>"
            )
        )
    );
    let topic = "arn%3Aaws%3Asns%3Aeu-west-1%3A111122223333%3Aalerts";
    let attribute = "MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=String\
                     &MessageAttributes.entry.1.Value.StringValue=x+%26+y";
    let publish = "Action=Publish&Version=2010-03-31";
    query(&world, &format!("{publish}&TopicArn={topic}&Message=m%C3%BC&{attribute}"));
    let guard = world.lock();
    let published = &guard.sns.published("alerts")[0];
    assert_eq!((published.message.as_str(), published.attributes["a"].as_str()), ("mü", "x & y"));
    drop(guard);
    let (status, body) = query(&world, &format!("{publish}&TopicArn={topic}x&Message=m"));
    assert_eq!(status, 404);
    let error = "<Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic does not exist</Message></Error>";
    assert!(body.contains(error), "{body}");
}

#[test]
fn query_names_nest() {
    let body = "Targets.member.1.Id=i-1&Targets.member.1.Port=80&Targets.member.10.Id=i-10&Targets.member.2.Id=i-2\
                &Names.member.1=a&Matcher.HttpCode=200&Empty=";
    let targets = json!([{"Id": "i-1", "Port": "80"}, {"Id": "i-2"}, {"Id": "i-10"}]);
    let mut expected = json!({"Targets": targets, "Names": ["a"], "Matcher": {"HttpCode": "200"}});
    let decode = || codec_query::decode(body.as_bytes());
    assert_eq!(decode().input(codec_query::QueryService::Elbv2).unwrap(), expected);
    expected["Empty"] = json!("");
    assert_eq!(decode().input(codec_query::QueryService::Sns).unwrap(), expected);
}

#[test]
fn responses_become_xml() {
    let answer = json!({"A": [{"B": "<&>\"\u{1}"}, {"B": 1}], "C": true, "D": null, "E": []});
    let service = codec_query::QueryService::Elbv2;
    let xml = codec_query::encode(service, "Op", &answer, "r").into_body();
    assert_eq!(
        String::from_utf8(xml).unwrap(),
        "<OpResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><OpResult><A><member>\
         <B>&lt;&amp;&gt;&quot;\u{FFFD}</B></member><member><B>1</B></member></A><C>true</C><E></E></OpResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></OpResponse>"
    );
}

#[test]
fn the_signature_names_the_service_without_a_version() {
    let authorization =
        "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/sns/aws4_request, SignedHeaders=host";
    let request = post(&[("authorization", authorization)], "Action=CreateTopic&Name=a");
    assert_eq!(handle(&world(), &request).unwrap().status(), 200);
}

#[test]
fn faults_reach_the_wire() {
    let world = world();
    world.lock().faults.add(Rule::any(Fault::Throttle));
    world.lock().faults.add(Rule::any(Fault::LoseAnswer));
    let throttled = json_call(&world, "AmazonECS.X", "{}");
    assert_eq!(throttled.status(), 400, "not routed, no fault used");
    let (status, body) = query(&world, "Action=CreateTopic&Version=2010-03-31&Name=a");
    assert!(
        status == 400 && body.contains("<Code>Throttling</Code><Message>Rate exceeded</Message>"),
        "{body}"
    );
    assert!(handle(&world, &post(&[], "Action=CreateTopic&Version=2010-03-31&Name=a")).is_none());
}

#[tokio::test]
async fn sleeps_end_in_order_and_move_only_the_worlds_clock() {
    use aws_smithy_async::rt::sleep::AsyncSleep;
    use std::time::Duration;
    let world = world();
    let sleep = WorldSleep::new(&world);
    let order = Mutex::new(Vec::new());
    let nap = async |ms| {
        sleep.sleep(Duration::from_millis(ms)).await;
        order.lock().unwrap().push((ms, world.lock().now_ms()));
    };
    let busy = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(nap(50_000), nap(20_000), nap(30_000), busy);
    assert_eq!(*order.lock().unwrap(), [(20_000, 20_000), (30_000, 30_000), (50_000, 50_000)]);
    drop(sleep.sleep(Duration::from_secs(1)));
    assert_eq!(world.lock().now_ms(), 50_000);
}

#[tokio::test]
async fn a_lost_connection_closes_the_socket() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = world();
    world.lock().faults.add(Rule::any(Fault::LoseAnswer));
    let server = serve(world.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    for lost in [true, false] {
        let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        let body = r#"{"QueueName":"checks"}"#;
        let length = body.len();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-amz-target: AmazonSQS.CreateQueue\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.is_empty(), lost, "{answer}");
        assert!(world.lock().sqs.queue("checks").is_some());
    }
    server.shutdown().await;
}
