//! What is told to go wrong between a client and the account: throttles, refusals, lost
//! connections, incomplete answers, delays.
//!
//! Rules are consumed in order and counted. Only calls of clients pass through here: what ECS or a
//! person does is never disturbed. Knows the services' error codes; knows nothing of what they do.

use crate::World;
use crate::api::{ApiError, Call, Caller, Service};
use crate::limits::RateLimits;
use serde_json::{Value, json};

/// One way in which a call goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Not performed; answered with the service's own throttling error.
    Throttle,
    /// Not performed; answered with this error.
    Fail {
        /// The error code.
        code: String,
        /// The message.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// Not performed; answered as IAM refuses.
    AccessDenied,
    /// Performed, then the connection breaks: the client cannot know.
    LoseAnswer,
    /// The connection breaks before the account sees the call.
    LoseRequest,
    /// Performed, but a list of the answer loses all items after the first `keep`.
    Truncate {
        /// The list's name at the top of the answer, such as `tasks`.
        member: String,
        /// How many items stay.
        keep: usize,
        /// With a reason, each lost item is named in `failures`, as ECS does; without, it is
        /// silent.
        failure_reason: Option<String>,
    },
    /// Performed after this much world time.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
}

impl Fault {
    /// Not performed; answered with this error.
    #[must_use]
    pub fn fail(code: &str, message: &str, status: u16) -> Self {
        Self::Fail { code: code.to_owned(), message: message.to_owned(), status }
    }
}

/// Which calls go wrong, and how. By default: the next matching call, once.
#[derive(Debug, Clone)]
pub struct Rule {
    service: Option<Service>,
    operation: Option<String>,
    containing: Option<String>,
    skip: u32,
    remaining: Option<u32>,
    fault: Fault,
    applied: u32,
}

impl Rule {
    /// The next call of one operation.
    #[must_use]
    pub fn new(service: Service, operation: &str, fault: Fault) -> Self {
        Self { service: Some(service), operation: Some(operation.to_owned()), ..Self::any(fault) }
    }

    /// The next call of any operation of any service.
    #[must_use]
    pub fn any(fault: Fault) -> Self {
        Self {
            service: None,
            operation: None,
            containing: None,
            skip: 0,
            remaining: Some(1),
            fault,
            applied: 0,
        }
    }

    /// The next call of any operation of one service.
    #[must_use]
    pub fn service(service: Service, fault: Fault) -> Self {
        Self { service: Some(service), ..Self::any(fault) }
    }

    /// Only calls whose input, as compact JSON, contains this text.
    #[must_use]
    pub fn containing(mut self, text: &str) -> Self {
        self.containing = Some(text.to_owned());
        self
    }

    /// Lets the first `calls` matching calls pass.
    #[must_use]
    pub fn skip(mut self, calls: u32) -> Self {
        self.skip = calls;
        self
    }

    /// Applies to `calls` matching calls.
    #[must_use]
    pub fn times(mut self, calls: u32) -> Self {
        self.remaining = Some(calls);
        self
    }

    /// Applies until [`Faults::clear`].
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.remaining = None;
        self
    }

    /// How often it was applied.
    #[must_use]
    pub fn applied(&self) -> u32 {
        self.applied
    }

    /// What it does.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// True when it will never apply again.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.remaining == Some(0)
    }

    fn matches(&self, service: Service, operation: &str, input: &Value) -> bool {
        !self.is_spent()
            && self.service.is_none_or(|wanted| wanted == service)
            && self.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && self.containing.as_deref().is_none_or(|text| input.to_string().contains(text))
    }

    /// Counts one matching call; true when the fault applies to it.
    fn take(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.remaining = self.remaining.map(|calls| calls.saturating_sub(1));
        self.applied += 1;
        true
    }
}

/// A fault that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// World time at which the call arrived.
    pub at_ms: u64,
    /// The service called.
    pub service: Service,
    /// The operation called.
    pub operation: String,
    /// What went wrong.
    pub fault: Fault,
}

/// All faults of the account's edge.
#[derive(Debug, Default)]
pub struct Faults {
    /// World time that passes before each client call is performed, in milliseconds.
    pub latency_ms: u64,
    /// AWS's published request limits; without them every call is taken.
    pub limits: Option<RateLimits>,
    rules: Vec<Rule>,
    storm: Option<Storm>,
    applied: Vec<Applied>,
}

#[derive(Debug)]
struct Storm {
    random: fastrand::Rng,
    percent: u8,
}

impl Faults {
    /// Adds a rule behind the others.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Each client call fails with this probability, by throttle, HTTP 500, lost answer or lost
    /// request. Its random source is its own: the same seed and the same calls give the same
    /// faults.
    pub fn storm(&mut self, seed: u64, percent: u8) {
        self.storm = Some(Storm { random: fastrand::Rng::with_seed(seed), percent });
    }

    /// Ends the storm and removes all rules; what was applied stays known.
    pub fn clear(&mut self) {
        self.storm = None;
        self.rules.clear();
    }

    /// The rules in their order, spent ones included.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Every fault that happened, in order.
    #[must_use]
    pub fn applied(&self) -> &[Applied] {
        &self.applied
    }

    fn next(
        &mut self,
        at_ms: u64,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Option<Fault> {
        if self.rules.is_empty() && self.storm.is_none() {
            return None;
        }
        let fault = self
            .rules
            .iter_mut()
            .find_map(|rule| {
                (rule.matches(service, operation, input) && rule.take()).then(|| rule.fault.clone())
            })
            .or_else(|| self.storm.as_mut().and_then(Storm::strike))?;
        self.applied.push(Applied {
            at_ms,
            service,
            operation: operation.to_owned(),
            fault: fault.clone(),
        });
        Some(fault)
    }
}

impl Storm {
    fn strike(&mut self) -> Option<Fault> {
        (self.random.u8(0..100) < self.percent).then(|| match self.random.u8(0..4) {
            0 => Fault::Throttle,
            1 => Fault::fail(
                "InternalFailure",
                "The request processing has failed because of an internal failure",
                500,
            ),
            2 => Fault::LoseAnswer,
            _ => Fault::LoseRequest,
        })
    }
}

/// A client's call through latency and faults. None: the connection was lost.
pub fn call(
    world: &mut World,
    service: Service,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, ApiError>> {
    let latency_ms = world.faults.latency_ms;
    world.advance(latency_ms);
    let now_ms = world.now_ms();
    let is_within_limits =
        world.faults.limits.as_mut().is_none_or(|limits| limits.admit(now_ms, service, operation));
    let fault = if is_within_limits {
        world.faults.next(now_ms, service, operation, input)
    } else {
        Some(Fault::Throttle)
    };
    let refused = match fault {
        Some(Fault::LoseRequest) => return None,
        Some(Fault::Throttle) => Some(throttled(service)),
        Some(Fault::AccessDenied) => Some(access_denied(service, operation)),
        Some(Fault::Fail { ref code, ref message, status }) => {
            Some(ApiError::failed(code, message.as_str(), status))
        }
        Some(Fault::Delay { ms }) => {
            world.advance(ms);
            None
        }
        _ => None,
    };
    if let Some(error) = refused {
        world.calls.push(Call {
            at_ms: now_ms,
            caller: Caller::Client,
            service,
            operation: operation.to_owned(),
            input: input.clone(),
            error: Some(error.clone()),
        });
        return Some(Err(error));
    }
    let outcome = world.call(Caller::Client, service, operation, input);
    match fault {
        Some(Fault::LoseAnswer) => None,
        Some(Fault::Truncate { member, keep, failure_reason }) => {
            Some(outcome.map(|mut answer| {
                truncate(&mut answer, &member, keep, failure_reason.as_deref());
                answer
            }))
        }
        _ => Some(outcome),
    }
}

fn truncate(answer: &mut Value, member: &str, keep: usize, failure_reason: Option<&str>) {
    let Some(items) = answer.get_mut(member).and_then(Value::as_array_mut) else {
        return;
    };
    let lost = items.split_off(keep.min(items.len()));
    let Some(reason) = failure_reason else {
        return;
    };
    let arn_member = format!("{}Arn", member.trim_end_matches('s'));
    let named = lost.iter().map(|item| {
        let arn = item.get(&arn_member).or_else(|| item.get("arn")).unwrap_or(item);
        json!({"arn": arn, "reason": reason})
    });
    if let Some(answer) = answer.as_object_mut() {
        let failures = answer.entry("failures").or_insert_with(|| json!([]));
        if let Some(failures) = failures.as_array_mut() {
            failures.extend(named);
        }
    }
}

/// The throttling error of each service; all of them are retried by the SDKs. HTTP 400, but for S3.
fn throttled(service: Service) -> ApiError {
    let code = match service {
        Service::Elbv2 | Service::Sns => "Throttling",
        Service::Sqs => "RequestThrottled",
        Service::S3 => {
            return ApiError::failed("SlowDown", "Please reduce your request rate.", 503);
        }
        _ => "ThrottlingException",
    };
    ApiError::refused(code, "Rate exceeded")
}

/// What IAM answers to a role without the permission.
fn access_denied(service: Service, operation: &str) -> ApiError {
    let (code, status) = match service {
        Service::Sqs | Service::Elbv2 | Service::S3 => ("AccessDenied", 403),
        Service::Sns => ("AuthorizationError", 403),
        _ => ("AccessDeniedException", 400),
    };
    let action = format!("{}:{operation}", service.name());
    ApiError::failed(
        code,
        format!(
            "User is not authorized to perform: {action} on resource: * because no \
             identity-based policy allows the {action} action"
        ),
        status,
    )
}

#[cfg(test)]
mod tests;
