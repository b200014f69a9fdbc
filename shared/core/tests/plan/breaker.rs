//! The deregistration limit holds over a time window, not only in one plan.

use crate::text_world::check;
use expect_test::expect;

const TWO_STALE: &str = "
    policy max=2
    group web
    service shop/web binds web to app:8080
    task t1 RUNNING/RUNNING on i-1 app:8080->32768
    task s1 STOPPED/STOPPED on i-1 app:8080->32801 ended 10m ago
    task s2 STOPPED/STOPPED on i-1 app:8080->32802 ended 10m ago
    target web i-1:32768 healthy
    target web i-1:32801 unhealthy
    target web i-1:32802 unhealthy
";

/// Holds I-GUARDS, C-27.
#[test]
fn deregistrations_beyond_the_limit_wait_until_the_window_has_passed() {
    check(
        &format!(
            "
            {TWO_STALE}
            look
            task s3 STOPPED/STOPPED on i-1 app:8080->32803 ended 10m ago
            target web i-1:32803 unhealthy
            look after 60s
            target web i-1:32801 gone
            target web i-1:32802 gone
            look after 60s
            look after 60s
            look after 479s
            look after 1s
            target web i-1:32803 gone
            look after 60s
            "
        ),
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32801 | stale | await 60s | task s1 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32802 | stale | await 60s | task s2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32801 | stale | deregister | task s1 has stopped and its target is still registered: confirmed by a second check
              web i-1:32802 | stale | deregister | task s2 has stopped and its target is still registered: confirmed by a second check
              web i-1:32803 | stale | await 60s | task s3 has stopped and its target is still registered: found once; waiting for a second check
              plan: deregister web [i-1:32801, i-1:32802]
              alert: stale (error): web i-1:32801, web i-1:32802
              looks again in 60s
            120s:
              asks: owners on i-1
              service | limit_exceeded | alert | 1 deregistration at once, together with 2 executed within 10 min, exceed the limit of 2; Portkeeper executed none. First: web i-1:32803
              web i-1:32803 | stale | withheld | task s3 has stopped and its target is still registered: the deregistration limit is exceeded
              alert: limit_exceeded (error): service
              alert: resolved stale (error): web i-1:32801 (the target is no longer registered, after 2 min), web i-1:32802 (the target is no longer registered, after 2 min)
              looks again in 540s
            180s:
              asks: owners on i-1
              service | limit_exceeded | alert | 1 deregistration at once, together with 2 executed within 10 min, exceed the limit of 2; Portkeeper executed none. First: web i-1:32803
              web i-1:32803 | stale | withheld | task s3 has stopped and its target is still registered: the deregistration limit is exceeded
            659s:
              asks: owners on i-1
              service | limit_exceeded | alert | 1 deregistration at once, together with 2 executed within 10 min, exceed the limit of 2; Portkeeper executed none. First: web i-1:32803
              web i-1:32803 | stale | withheld | task s3 has stopped and its target is still registered: the deregistration limit is exceeded
            660s:
              asks: owners on i-1
              web i-1:32803 | stale | deregister | task s3 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32803]
              alert: stale (error): web i-1:32803
              alert: resolved limit_exceeded (error): service (no longer found, after 9 min)
              looks again in 60s
            720s:
              alert: resolved stale (error): web i-1:32803 (the target is no longer registered, after 11 min)
        "#]],
    );
}

/// Holds C-27.
#[test]
fn deregistrations_that_exceed_the_limit_alone_request_no_recheck() {
    check(
        &format!(
            "
            {TWO_STALE}
            look
            look after 60s
            target web i-1:32801 gone
            target web i-1:32802 gone
            task s3 STOPPED/STOPPED on i-1 app:8080->32803 ended 10m ago
            task s4 STOPPED/STOPPED on i-1 app:8080->32804 ended 10m ago
            task s5 STOPPED/STOPPED on i-1 app:8080->32805 ended 10m ago
            target web i-1:32803 unhealthy
            target web i-1:32804 unhealthy
            target web i-1:32805 unhealthy
            look after 60s
            look after 60s
            look after 3600s
            "
        ),
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32801 | stale | await 60s | task s1 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32802 | stale | await 60s | task s2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32801 | stale | deregister | task s1 has stopped and its target is still registered: confirmed by a second check
              web i-1:32802 | stale | deregister | task s2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32801, i-1:32802]
              alert: stale (error): web i-1:32801, web i-1:32802
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32803 | stale | await 60s | task s3 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32804 | stale | await 60s | task s4 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32805 | stale | await 60s | task s5 has stopped and its target is still registered: found once; waiting for a second check
              alert: resolved stale (error): web i-1:32801 (the target is no longer registered, after 2 min), web i-1:32802 (the target is no longer registered, after 2 min)
              looks again in 60s
            180s:
              asks: owners on i-1
              service | limit_exceeded | alert | 3 deregistrations at once, together with 2 executed within 10 min, exceed the limit of 2; Portkeeper executed none. First: web i-1:32803, web i-1:32804, web i-1:32805
              web i-1:32803 | stale | withheld | task s3 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32804 | stale | withheld | task s4 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32805 | stale | withheld | task s5 has stopped and its target is still registered: the deregistration limit is exceeded
              alert: limit_exceeded (error): service
            3780s:
              asks: owners on i-1
              service | limit_exceeded | alert | 3 deregistrations at once exceed the limit of 2; Portkeeper executed none. First: web i-1:32803, web i-1:32804, web i-1:32805
              web i-1:32803 | stale | withheld | task s3 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32804 | stale | withheld | task s4 has stopped and its target is still registered: the deregistration limit is exceeded
              web i-1:32805 | stale | withheld | task s5 has stopped and its target is still registered: the deregistration limit is exceeded
            open: stale web i-1:32803, seen 3
            open: stale web i-1:32804, seen 3
            open: stale web i-1:32805, seen 3
            open: limit_exceeded service, seen 2, reported
        "#]],
    );
}

#[test]
fn deregistrations_that_aws_refused_do_not_count() {
    check(
        &format!(
            r#"
            {TWO_STALE}
            look
            look after 60s refused "AccessDenied"
            look after 60s
            "#
        ),
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32801 | stale | await 60s | task s1 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32802 | stale | await 60s | task s2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32801 | stale | deregister | task s1 has stopped and its target is still registered: confirmed by a second check
              web i-1:32802 | stale | deregister | task s2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32801, i-1:32802]
              alert: stale (error): web i-1:32801, web i-1:32802
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32801 | stale | deregister | task s1 has stopped and its target is still registered: confirmed by a second check
              web i-1:32802 | stale | deregister | task s2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32801, i-1:32802]
              looks again in 60s
            open: stale web i-1:32801, seen 3, 2 repairs, reported
            open: stale web i-1:32802, seen 3, 2 repairs, reported
        "#]],
    );
}

#[test]
fn registrations_do_not_count() {
    check(
        "
        policy max=1
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 RUNNING/RUNNING on i-1 app:8080->32769
        target web i-1:32769 healthy
        look
        look after 60s
        target web i-1:32768 healthy
        task s1 STOPPED/STOPPED on i-1 app:8080->32801 ended 10m ago
        target web i-1:32801 unhealthy
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: state of i-1; group web
              web i-1:32768 | missing | await 60s | task t1 has been running for 10 min and its target is not registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: state of i-1; group web
              web i-1:32768 | missing | register | task t1 has been running for 11 min and its target is not registered: confirmed by a second check
              plan: register web [i-1:32768]
              alert: missing (error): web i-1:32768
              looks again in 60s
            120s:
              asks: owners on i-1
              web i-1:32801 | stale | await 60s | task s1 has stopped and its target is still registered: found once; waiting for a second check
              alert: resolved missing (error): web i-1:32768 (registered and healthy, after 2 min)
              looks again in 60s
            180s:
              asks: owners on i-1
              web i-1:32801 | stale | deregister | task s1 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32801]
              alert: stale (error): web i-1:32801
              looks again in 60s
            open: stale web i-1:32801, seen 2, 1 repairs, reported
        "#]],
    );
}

#[test]
fn past_deregistrations_do_not_report_the_limit_when_no_more_are_due() {
    check(
        &format!(
            "
            {TWO_STALE}
            look
            look after 60s
            target web i-1:32801 gone
            target web i-1:32802 gone
            look after 60s
            policy max=1
            look after 60s
            "
        ),
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32801 | stale | await 60s | task s1 has stopped and its target is still registered: found once; waiting for a second check
              web i-1:32802 | stale | await 60s | task s2 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32801 | stale | deregister | task s1 has stopped and its target is still registered: confirmed by a second check
              web i-1:32802 | stale | deregister | task s2 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32801, i-1:32802]
              alert: stale (error): web i-1:32801, web i-1:32802
              looks again in 60s
            120s:
              alert: resolved stale (error): web i-1:32801 (the target is no longer registered, after 2 min), web i-1:32802 (the target is no longer registered, after 2 min)
            180s:
              nothing to write down
        "#]],
    );
}
