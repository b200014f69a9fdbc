//! Writes JSON as the XML of AWS's responses. Null members are omitted; lists become `<member>`
//! elements, or flat ones if the protocol has flat lists.
//!
//! Knows nothing of services. Does not support maps (`<entry>`), which no simulated response has.

use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
}

impl Writer {
    pub(super) fn open(&mut self, name: &str) {
        for part in ["<", name, ">"] {
            self.text.push_str(part);
        }
    }

    pub(super) fn open_with(&mut self, name: &str, namespace: &str) {
        for part in ["<", name, " xmlns=\"", namespace, "\">"] {
            self.text.push_str(part);
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        for part in ["</", name, ">"] {
            self.text.push_str(part);
        }
    }

    pub(super) fn text_element(&mut self, name: &str, text: &str) {
        self.open(name);
        self.escaped(text);
        self.close(name);
    }

    pub(super) fn element(&mut self, name: &str, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => self.text_element(name, text),
            Value::Bool(_) | Value::Number(_) => self.text_element(name, &value.to_string()),
            Value::Array(items) => {
                self.open(name);
                for item in items {
                    self.element("member", item);
                }
                self.close(name);
            }
            Value::Object(members) => {
                self.open(name);
                for (member, value) in members {
                    self.element(member, value);
                }
                self.close(name);
            }
        }
    }

    /// The members of a structure with flat lists.
    pub(super) fn flat_members(&mut self, structure: &Value) {
        for (member, value) in structure.as_object().into_iter().flatten() {
            match value.as_array() {
                Some(items) => items.iter().for_each(|item| self.element(member, item)),
                None => self.element(member, value),
            }
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// Characters that XML 1.0 does not allow become the replacement character.
    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\r' => self.text.push_str("&#xD;"),
                '\t' | '\n' => self.text.push(character),
                '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => self.text.push('\u{FFFD}'),
                _ => self.text.push(character),
            }
        }
    }
}
