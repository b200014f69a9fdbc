//! Responses of operations, and resources that a response shows.
//!
//! Most responses are JSON that is made for each call. Descriptions of tasks, and the messages of
//! services, are the largest parts and seldom differ from the last time: the account keeps them
//! until they change, so that each is made, and written as text, once. Knows no operation.

use crate::text;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

/// What the account keeps of a resource: its description as JSON, and as text.
#[derive(Debug)]
pub(crate) struct Shown {
    value: Value,
    text: OnceLock<String>,
}

impl Shown {
    pub(crate) fn new(value: Value) -> Self {
        Self { value, text: OnceLock::new() }
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| text::json(&self.value))
    }
}

/// An item of a list.
#[derive(Debug)]
pub(crate) enum Item {
    Kept(Arc<Shown>),
    Made(Reply),
}

impl Item {
    fn into_value(self) -> Value {
        match self {
            Self::Kept(shown) => shown.value.clone(),
            Self::Made(reply) => reply.into_value(),
        }
    }

    fn write(&self, body: &mut String) {
        match self {
            Self::Kept(shown) => body.push_str(shown.text()),
            Self::Made(reply) => reply.write(body),
        }
    }
}

/// The response of an operation, or a structure in it.
#[derive(Debug)]
pub(crate) struct Reply {
    /// All members, except the list whose items are kept.
    members: Value,
    list: Option<(&'static str, Vec<Item>)>,
}

impl From<Value> for Reply {
    fn from(members: Value) -> Self {
        Self { members, list: None }
    }
}

impl Reply {
    /// A structure with these members and one more: this list.
    pub(crate) fn with_list(members: Value, member: &'static str, items: Vec<Item>) -> Self {
        Self { members, list: Some((member, items)) }
    }

    /// A response with the found resources and the failures.
    pub(crate) fn found(member: &'static str, items: Vec<Item>, failures: Vec<Value>) -> Self {
        let members = [("failures", Value::Array(failures))].into_iter().collect();
        Self::with_list(members, member, items)
    }

    /// The response as JSON for a caller in this process.
    pub(crate) fn into_value(mut self) -> Value {
        if let (Some((member, items)), Some(members)) = (self.list, self.members.as_object_mut()) {
            let items = items.into_iter().map(Item::into_value).collect();
            members.insert(member.to_owned(), items);
        }
        self.members
    }

    /// The response as the text of a JSON protocol.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut body = String::with_capacity(self.kept_bytes());
        self.write(&mut body);
        body.into_bytes()
    }

    /// The bytes of the texts that are kept: nearly all of a large response.
    fn kept_bytes(&self) -> usize {
        let items = self.list.iter().flat_map(|(_, items)| items);
        let kept = items.map(|item| match item {
            Item::Kept(shown) => shown.text().len() + 1,
            Item::Made(reply) => reply.kept_bytes(),
        });
        kept.sum()
    }

    fn write(&self, body: &mut String) {
        let members = text::json(&self.members);
        let Some((member, items)) = &self.list else { return body.push_str(&members) };
        // The list becomes the last member.
        let open = members.strip_suffix('}').unwrap_or(&members);
        let separator = if open.len() > 1 { "," } else { "" };
        for part in [open, separator, "\"", member, "\":["] {
            body.push_str(part);
        }
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                body.push(',');
            }
            item.write(body);
        }
        body.push_str("]}");
    }

    /// Cuts a list after the first items and returns the others. Returns `None` if the response has
    /// no such list.
    pub(crate) fn cut(&mut self, member: &str, keep: usize) -> Option<Vec<Value>> {
        if let Some((_, items)) = self.list.as_mut().filter(|(name, _)| *name == member) {
            let lost = items.split_off(keep.min(items.len()));
            return Some(lost.into_iter().map(Item::into_value).collect());
        }
        let items = self.members.get_mut(member)?.as_array_mut()?;
        Some(items.split_off(keep.min(items.len())))
    }

    /// Adds entries to `failures`.
    pub(crate) fn add_failures(&mut self, more: impl Iterator<Item = Value>) {
        let Some(members) = self.members.as_object_mut() else { return };
        let failures = members.entry("failures").or_insert_with(|| json!([]));
        if let Some(failures) = failures.as_array_mut() {
            failures.extend(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(value: Value) -> Item {
        Item::Kept(Arc::new(Shown::new(value)))
    }

    #[test]
    fn kept_resources_are_members_like_others() {
        let events = || vec![kept(json!({"a": 1})), kept(json!("b"))];
        let service = || Reply::with_list(json!({"arn": "s"}), "events", events());
        let empty = || Reply::with_list(json!({}), "events", Vec::new());
        let all = || vec![Item::Made(service()), Item::Made(empty()), kept(json!(2))];
        let whole = json!({
            "failures": [3],
            "services": [{"arn": "s", "events": [{"a": 1}, "b"]}, {"events": []}, 2],
        });
        let reply = Reply::found("services", all(), vec![json!(3)]);
        assert_eq!(serde_json::from_slice::<Value>(&reply.to_json()).unwrap(), whole);
        assert_eq!(reply.into_value(), whole);
        assert_eq!(Reply::from(json!({"tasks": [1, 2]})).to_json(), br#"{"tasks":[1,2]}"#);
    }

    #[test]
    fn lists_are_cut() {
        let mut reply = Reply::found("tasks", vec![kept(json!(1)), kept(json!(2))], Vec::new());
        assert_eq!(reply.cut("services", 1), None);
        assert_eq!(reply.cut("tasks", 1), Some(vec![json!(2)]));
        reply.add_failures(std::iter::once(json!("lost")));
        assert_eq!(reply.into_value(), json!({"failures": ["lost"], "tasks": [1]}));
        let mut plain = Reply::from(json!({"arns": [1, 2]}));
        assert_eq!(plain.cut("arns", 0), Some(vec![json!(1), json!(2)]));
    }
}
