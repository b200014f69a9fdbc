//! Injected faults between a client and the account: throttling, errors, lost connections,
//! incomplete responses, delays.
//!
//! Rules apply in order and are counted. Only calls of clients pass through here; calls of ECS and
//! of people never fail this way. Knows the services' error codes, not what their operations do.

use crate::World;
use crate::api::{ApiError, Call, Caller, Service};
use crate::limits::RateLimits;
use crate::reply::Reply;
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Not performed; returns the service's throttling error.
    Throttle,
    /// Not performed; returns this error.
    Fail { code: String, message: String, status: u16 },
    /// Not performed; returns IAM's access-denied error.
    AccessDenied,
    /// Performed, but the connection breaks before the response.
    LoseAnswer,
    /// Not performed: the connection breaks before the request arrives.
    LoseRequest,
    /// Performed, but a list in the response is cut after the first `keep` items.
    Truncate {
        /// The list's name at the top level of the response, such as `tasks`.
        member: String,
        keep: usize,
        /// With a reason, each missing item is listed in `failures`, as ECS does. Without one, the
        /// response does not show that items are missing.
        failure_reason: Option<String>,
    },
    /// Performed after a delay on the world's clock.
    Delay { ms: u64 },
}

impl Fault {
    /// A fault that returns this error.
    #[must_use]
    pub fn fail(code: &str, message: &str, status: u16) -> Self {
        Self::Fail { code: code.to_owned(), message: message.to_owned(), status }
    }
}

/// Which calls fail, and how. By default the next matching call, once.
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
    /// The next call of this operation.
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

    /// Matches only calls whose input, as compact JSON, contains this text.
    #[must_use]
    pub fn containing(mut self, text: &str) -> Self {
        self.containing = Some(text.to_owned());
        self
    }

    /// Skips the first `calls` matching calls.
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

    /// How often the rule was applied.
    #[must_use]
    pub fn applied(&self) -> u32 {
        self.applied
    }

    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Whether the rule will never apply again.
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

    /// Counts one matching call. Returns whether the fault applies to it.
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

/// A fault that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// When the call arrived, by the world's clock.
    pub at_ms: u64,
    pub service: Service,
    pub operation: String,
    pub fault: Fault,
}

/// All fault rules of the account.
#[derive(Debug, Default)]
pub struct Faults {
    /// How long the clock advances before each client call is performed.
    pub latency_ms: u64,
    /// AWS's published request quotas. Without them no call is throttled.
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
    /// Adds a rule after the others.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Makes each client call fail with this probability: throttling, HTTP 500, a lost response or
    /// a lost request. It has its own random source, so the same seed and the same calls give the
    /// same faults.
    pub fn storm(&mut self, seed: u64, percent: u8) {
        self.storm = Some(Storm { random: fastrand::Rng::with_seed(seed), percent });
    }

    /// Ends the storm and removes all rules. [`Faults::applied`] stays.
    pub fn clear(&mut self) {
        self.storm = None;
        self.rules.clear();
    }

    /// The rules in order, including spent ones.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Every applied fault, in order.
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

/// Performs a client's call with latency and faults. Returns `None` if the connection was lost.
pub(crate) fn call(
    world: &mut World,
    service: Service,
    operation: &str,
    input: &Value,
) -> Option<Result<Reply, ApiError>> {
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
    let outcome = world.reply(Caller::Client, service, operation, input);
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

fn truncate(answer: &mut Reply, member: &str, keep: usize, failure_reason: Option<&str>) {
    let Some(lost) = answer.cut(member, keep) else { return };
    let Some(reason) = failure_reason else {
        return;
    };
    let arn_member = format!("{}Arn", member.trim_end_matches('s'));
    let named = lost.iter().map(|item| {
        let arn = item.get(&arn_member).or_else(|| item.get("arn")).unwrap_or(item);
        json!({"arn": arn, "reason": reason})
    });
    answer.add_failures(named);
}

/// The throttling error of each service. The SDKs retry all of them. The status is HTTP 400, except
/// for S3.
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

/// The error for a role without the permission.
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
