//! A Slack message as plain lines, similar to what Slack shows. It knows Block Kit, and nothing
//! about alerts.

use portkeeper_core::report::SlackMessage;
use serde_json::Value;

/// Returns the lines of a message without its header, which the timeline prints already.
pub(crate) fn plain(message: &SlackMessage) -> String {
    let blocks = message.to_json().pointer("/attachments/0/blocks").and_then(Value::as_array);
    let parts: Vec<String> = blocks.into_iter().flatten().filter_map(block).collect();
    parts.join("\n\n")
}

fn block(block: &Value) -> Option<String> {
    let texts = |member: &str| {
        block.get(member)?.as_array().map(|them| them.iter().filter_map(text).collect())
    };
    match block.get("type")?.as_str()? {
        "section" => match block.get("fields") {
            Some(_) => {
                let fields: Vec<String> = texts("fields")?;
                let lines: Vec<String> =
                    fields.iter().map(|field| field.replacen('\n', ": ", 1)).collect();
                Some(lines.join("\n"))
            }
            None => text(block.get("text")?),
        },
        "actions" => {
            let buttons = block
                .get("elements")?
                .as_array()?
                .iter()
                .filter_map(|button| text(button.get("text")?));
            let buttons: Vec<String> = buttons.map(|name| format!("[ {name} ]")).collect();
            Some(buttons.join(" "))
        }
        _ => None,
    }
}

/// Returns the visible characters of an element.
fn text(element: &Value) -> Option<String> {
    let shown = element.get("text")?.as_str()?.replace('*', "");
    Some(shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}
