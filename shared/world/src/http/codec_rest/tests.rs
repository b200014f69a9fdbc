//! S3 requests and responses on the wire.

use crate::World;
use crate::http::{SharedWorld, handle};
use ::http::{Method, Request, Response};

const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host";

fn world() -> SharedWorld {
    let mut world = World::new(1, 1_700_000_000_000);
    world.make_bucket("specs").unwrap();
    world.into()
}

fn send(
    world: &SharedWorld,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response<Vec<u8>> {
    let mut request =
        Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    handle(world, &request.body(body.to_vec()).unwrap()).unwrap()
}

fn body(response: Response<Vec<u8>>) -> String {
    String::from_utf8(response.into_body()).unwrap()
}

#[test]
fn bucket_and_key_are_found_in_host_and_path() {
    for (uri, host) in [
        ("/specs/a%20b+c%2525", "127.0.0.1:9"),
        ("/a%20b+c%2525", "specs.localhost:9"),
        ("/a%20b+c%2525", "specs.s3.eu-west-1.amazonaws.com"),
        ("https://specs.s3.cn-north-1.amazonaws.com.cn/a%20b+c%2525", "ignored"),
        ("https://s3.eu-west-1.amazonaws.com/specs/a%20b+c%2525?x-id=PutObject", "ignored"),
    ] {
        let world = world();
        let put = send(&world, "PUT", uri, &[("authorization", SIGNED), ("host", host)], b"x");
        assert_eq!(put.status(), 200, "{uri} {host}");
        assert_eq!(world.lock().s3.keys("specs"), ["a b+c%25"], "{uri} {host}");
    }
}

#[test]
fn chunks_and_trailers_are_decoded() {
    let world = world();
    let headers = [
        ("authorization", SIGNED),
        ("content-encoding", "gzip, aws-chunked"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "11"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    ];
    let chunks = "5;chunk-signature=0\r\nhello\r\n6\r\n world\r\n0\r\n";
    let trailers = "x-amz-checksum-crc32:DUoRhQ==\r\nx-amz-trailer-signature:0\r\n\r\n";
    let put = send(&world, "PUT", "/specs/a", &headers, format!("{chunks}{trailers}").as_bytes());
    assert_eq!(
        (put.status().as_u16(), &put.headers()["x-amz-checksum-crc32"]),
        (200, &"DUoRhQ==".parse().unwrap())
    );
    assert_eq!(world.lock().s3.object("specs", "a"), Some(b"hello world".as_slice()));
    let get = send(&world, "GET", "/specs/a", &[("authorization", SIGNED)], b"");
    assert_eq!(get.headers()["content-encoding"], "gzip");
    assert!(get.headers().get("x-amz-checksum-crc32").is_none(), "only if it is asked for");
    let wrong = format!("{chunks}x-amz-checksum-crc32:AAAAAA==\r\n\r\n");
    assert!(
        body(send(&world, "PUT", "/specs/a", &headers, wrong.as_bytes()))
            .contains("<Code>BadDigest</Code>")
    );
    let cut = send(&world, "PUT", "/specs/a", &headers, b"5\r\nhel");
    assert!(body(cut).contains("<Code>IncompleteBody</Code>"));
}

#[test]
fn errors_are_xml_and_a_head_has_only_its_status() {
    let world = world();
    let get = send(&world, "GET", "/specs/a", &[("authorization", SIGNED)], b"");
    assert_eq!(
        (get.status().as_u16(), &get.headers()["content-type"]),
        (404, &"application/xml".parse().unwrap())
    );
    let text = body(get);
    let expected = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>a</Key>";
    assert!(text.starts_with(expected), "{text}");
    let head = send(&world, "HEAD", "/specs/a", &[("authorization", SIGNED)], b"");
    assert_eq!((head.status().as_u16(), head.body().len()), (404, 0));
    world.lock().drop_object("specs", "a", "x").unwrap();
    world.lock().delete_object("specs", "a").unwrap();
    let gone = send(&world, "HEAD", "/specs/a", &[("authorization", SIGNED)], b"");
    assert_eq!(gone.headers()["x-amz-delete-marker"], "true");
}

#[test]
fn requests_that_are_not_simulated_are_rejected_and_change_nothing() {
    let world = world();
    world.lock().drop_object("specs", "a", "x").unwrap();
    for (method, uri, header) in [
        ("PUT", "/specs/a?tagging", ("x", "")),
        ("PUT", "/specs/a", ("x-amz-copy-source", "/specs/b")),
        ("GET", "/specs/a", ("if-modified-since", "Tue, 24 Nov 2026 20:22:38 GMT")),
        ("GET", "/specs", ("x", "")),
        ("POST", "/specs?delete", ("x", "")),
        ("GET", "/", ("x", "")),
    ] {
        let answer = send(&world, method, uri, &[("authorization", SIGNED), header], b"");
        assert_eq!(answer.status(), 501, "{method} {uri}");
        assert!(body(answer).contains("<Code>NotImplemented</Code>"), "{method} {uri}");
    }
    let broken = send(&world, "GET", "/specs/%FF", &[("authorization", SIGNED)], b"");
    assert!(body(broken).contains("<Code>InvalidURI</Code>"));
    assert_eq!(world.lock().eventbridge.events().len(), 1);
}

#[test]
fn lists_are_flat() {
    let world = world();
    for key in ["a", "b&c"] {
        world.lock().drop_object("specs", key, "x").unwrap();
    }
    let list =
        send(&world, "GET", "/specs/?list-type=2&max-keys=5", &[("authorization", SIGNED)], b"");
    let text = body(list);
    assert_eq!(text.matches("<Contents>").count(), 2, "{text}");
    assert!(
        text.contains("<Key>b&amp;c</Key>") && text.contains("<KeyCount>2</KeyCount>"),
        "{text}"
    );
}

#[tokio::test]
async fn a_head_response_has_the_length_and_no_body() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = world();
    world.lock().drop_object("specs", "a", "hello").unwrap();
    let server = crate::http::serve(world.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    let request = format!(
        "HEAD /specs/a HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nauthorization: {SIGNED}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    for line in [
        "content-length: 5",
        "last-modified: Tue, 14 Nov 2023 22:13:20 GMT",
        "accept-ranges: bytes",
    ] {
        assert!(answer.contains(line), "{answer}");
    }
}
