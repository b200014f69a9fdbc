//! The AWS Query protocol: form parameters in, XML out.
//!
//! Parameters become nested JSON in which every scalar is a string. Source:
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

use super::response::response;
use super::xml;
use crate::api::{ApiError, Service};
use ::http::Response;
use serde_json::Value;
use std::collections::BTreeMap;

/// The maximum number of parts of a parameter name such as `A.member.1.B`; no operation needs more.
const MAX_DEPTH: usize = 24;

/// The services with this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueryService {
    Elbv2,
    Sns,
}

impl QueryService {
    /// Found by `Version`, else by the signature's service name, else by host.
    pub(super) fn of(
        version: Option<&str>,
        signing_name: Option<&str>,
        host: Option<&str>,
    ) -> Option<Self> {
        let of_host = || host.and_then(|host| host.split('.').next());
        match version.or(signing_name).or_else(of_host)? {
            "2015-12-01" | "elasticloadbalancing" => Some(Self::Elbv2),
            "2010-03-31" | "sns" => Some(Self::Sns),
            _ => None,
        }
    }

    pub(super) fn service(self) -> Service {
        match self {
            Self::Elbv2 => Service::Elbv2,
            Self::Sns => Service::Sns,
        }
    }

    fn namespace(self) -> &'static str {
        match self {
            Self::Elbv2 => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
            Self::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
        }
    }
}

/// A decoded form body.
#[derive(Debug)]
pub(super) struct QueryRequest {
    pub(super) action: Option<String>,
    pub(super) version: Option<String>,
    parameters: BTreeMap<String, Node>,
    /// The first invalid parameter.
    malformed: Option<String>,
}

#[derive(Debug)]
enum Node {
    Scalar(String),
    Nested(BTreeMap<String, Node>),
}

impl QueryRequest {
    /// The parameters as JSON. `ELBv2` has no member that may be empty: `Targets=` is how an SDK
    /// sends an empty list, and counts as absent there.
    pub(super) fn input(self, service: QueryService) -> Result<Value, ApiError> {
        if let Some(name) = self.malformed {
            let message =
                format!("The parameter {name} contradicts another one or is nested too deeply");
            return Err(ApiError::refused("MalformedQueryString", message));
        }
        let keep = |node: &Node| {
            service != QueryService::Elbv2 || !matches!(node, Node::Scalar(text) if text.is_empty())
        };
        let parameters = self.parameters.into_iter().filter(|(_, node)| keep(node));
        Ok(Value::Object(parameters.map(|(name, node)| (name, to_json(node))).collect()))
    }
}

pub(super) fn decode(body: &[u8]) -> QueryRequest {
    let mut request =
        QueryRequest { action: None, version: None, parameters: BTreeMap::new(), malformed: None };
    for (name, value) in form_urlencoded::parse(body) {
        let value = value.into_owned();
        match name.as_ref() {
            "Action" => request.action = Some(value),
            "Version" => request.version = Some(value),
            name => {
                if insert(&mut request.parameters, name, value).is_none() {
                    request.malformed.get_or_insert_with(|| name.to_owned());
                }
            }
        }
    }
    request
}

/// Inserts a value at its dotted name. Returns `None` if the name is both a value and a structure,
/// or given twice.
fn insert(parameters: &mut BTreeMap<String, Node>, name: &str, value: String) -> Option<()> {
    let mut level = parameters;
    let (path, leaf) = match name.rsplit_once('.') {
        Some((path, leaf)) => (Some(path), leaf),
        None => (None, name),
    };
    for (depth, part) in path.into_iter().flat_map(|path| path.split('.')).enumerate() {
        let node = level.entry(part.to_owned()).or_insert_with(|| Node::Nested(BTreeMap::new()));
        match node {
            Node::Nested(next) if depth < MAX_DEPTH => level = next,
            _ => return None,
        }
    }
    level.insert(leaf.to_owned(), Node::Scalar(value)).is_none().then_some(())
}

/// `X.member.N` is a list, `X.entry.N.key` with `.value` is a map, and all else is a structure.
fn to_json(node: Node) -> Value {
    let mut children = match node {
        Node::Scalar(text) => return Value::String(text),
        Node::Nested(children) => children,
    };
    if children.len() == 1 {
        if let Some(Node::Nested(items)) = children.remove("member") {
            return Value::Array(in_order(items).map(to_json).collect());
        }
        if let Some(Node::Nested(entries)) = children.remove("entry") {
            return Value::Object(in_order(entries).filter_map(map_entry).collect());
        }
    }
    Value::Object(children.into_iter().map(|(name, node)| (name, to_json(node))).collect())
}

/// Items ordered by number: `10` after `9`.
fn in_order(items: BTreeMap<String, Node>) -> impl Iterator<Item = Node> {
    let mut items: Vec<(u32, Node)> = items
        .into_iter()
        .map(|(number, item)| (number.parse().unwrap_or(u32::MAX), item))
        .collect();
    items.sort_by_key(|(number, _)| *number);
    items.into_iter().map(|(_, item)| item)
}

/// In SNS the members of an attribute are `Name` and `Value`, elsewhere `key` and `value`.
fn map_entry(entry: Node) -> Option<(String, Value)> {
    let Node::Nested(mut parts) = entry else {
        return None;
    };
    let key = parts.remove("key").or_else(|| parts.remove("Name"))?;
    let value = parts.remove("value").or_else(|| parts.remove("Value"))?;
    match key {
        Node::Scalar(key) => Some((key, to_json(value))),
        Node::Nested(_) => None,
    }
}

pub(super) fn encode(
    service: QueryService,
    operation: &str,
    answer: &Value,
    request_id: &str,
) -> Response<Vec<u8>> {
    let mut body = xml::Writer::default();
    body.open_with(&format!("{operation}Response"), service.namespace());
    body.element(&format!("{operation}Result"), answer);
    body.element("ResponseMetadata", &serde_json::json!({"RequestId": request_id}));
    body.close(&format!("{operation}Response"));
    respond(200, request_id, body)
}

pub(super) fn encode_error(
    service: QueryService,
    error: &ApiError,
    request_id: &str,
) -> Response<Vec<u8>> {
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    let mut body = xml::Writer::default();
    body.open_with("ErrorResponse", service.namespace());
    body.open("Error");
    for (name, text) in [("Type", fault), ("Code", &error.code), ("Message", &error.message)] {
        body.text_element(name, text);
    }
    body.close("Error");
    body.text_element("RequestId", request_id);
    body.close("ErrorResponse");
    respond(error.status, request_id, body)
}

fn respond(status: u16, request_id: &str, body: xml::Writer) -> Response<Vec<u8>> {
    response(status, "text/xml", &[("x-amzn-requestid", request_id)], body.into_bytes())
}
