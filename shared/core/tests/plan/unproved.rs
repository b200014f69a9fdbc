//! Targets that stopped tasks left registered, without proof of ownership: Portkeeper reports them
//! and never deregisters them.

use crate::text_world::check;
use expect_test::expect;

const LEFT_BEHIND: &str = "
    ledger empty
    group web
    group billing
    service shop/web binds web to app:8080
    task t1 RUNNING/RUNNING on i-1 app:8080->32768
    task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
    target web i-1:32768 healthy
    target web i-1:32769 unhealthy Target.FailedHealthChecks
";

/// Holds I-PROOF, C-20, C-34.
#[test]
fn a_hijack_from_before_the_first_check_is_reported_as_hijacked_until_it_ends() {
    check(
        &format!(
            "
            {LEFT_BEHIND}
            owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
            look
            look after 60s
            task t2 gone
            look after 3600s
            target web i-1:32769 gone
            look after 60s
            "
        ),
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | hijacked | await 60s | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | hijacked | alert | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
              alert: hijacked (critical): web i-1:32769
            3660s:
              asks: owners on i-1
              web i-1:32769 | hijacked | alert | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
            3720s:
              alert: resolved hijacked (critical): web i-1:32769 (the target is no longer registered, after 1 h 2 min)
        "#]],
    );
}

/// Holds C-19, C-34.
#[test]
fn a_stale_target_from_before_the_first_check_is_reported_again_when_hijacked() {
    check(
        &format!(
            "
            {LEFT_BEHIND}
            look
            look after 60s
            owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
            look after 60s
            owner billing/t9 gone
            look after 60s
            "
        ),
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
              alert: stale (error): web i-1:32769
            120s:
              asks: owners on i-1
              web i-1:32769 | hijacked | alert | task t2 has stopped, and its target now leads to task t9 of service billing: requests reach the wrong task; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
              alert: escalated hijacked (critical): web i-1:32769
            180s:
              asks: owners on i-1
              web i-1:32769 | hijacked | alert | task t2 has stopped and its target is still registered; no other task uses its address at the moment; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
            open: hijacked web i-1:32769, seen 4, reported
        "#]],
    );
}

/// Holds I-ABSENT, C-20.
#[test]
fn a_target_seen_absent_since_is_foreign() {
    check(
        "
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        owner billing/t9 RUNNING/RUNNING on i-1 app:80->32769 groups billing
        target web i-1:32768 healthy
        target web i-1:32769 healthy
        known web i-1:32769 t2 released 5m ago
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | leads to task t9 of service billing; Portkeeper has no proof that it ever belonged to this service; it belonged to task t2, but an earlier check showed that this registration is another writer's: alert only
              alert: foreign (warning): web i-1:32769
            open: foreign web i-1:32769, seen 2, reported
        "#]],
    );
}

/// Holds I-PROOF.
#[test]
fn a_proof_that_appears_later_needs_a_second_check() {
    check(
        &format!(
            "
            {LEFT_BEHIND}
            look
            look after 60s
            look after 300s
            task t5 STOPPED/STOPPED on i-1 app:8080->32769 for 5m ended 2m ago
            look after 1s
            look after 59s
            look after 1s
            "
        ),
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
              alert: stale (error): web i-1:32769
            360s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
            361s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t5 has stopped and its target is still registered: found once; waiting for a second check
              looks again in 60s
            420s:
              asks: owners on i-1
              web i-1:32769 | stale | await 1s | task t5 has stopped and its target is still registered: found once; waiting for a second check
            421s:
              asks: owners on i-1
              web i-1:32769 | stale | deregister | task t5 has stopped and its target is still registered: confirmed by a second check
              plan: deregister web [i-1:32769]
              looks again in 60s
            open: stale web i-1:32769, seen 6, 1 repairs, reported
        "#]],
    );
}

#[test]
fn a_foreign_target_becomes_stale_when_its_stopped_task_is_read() {
    check(
        "
        ledger empty
        group web
        service shop/web binds web to app:8080
        task t1 RUNNING/RUNNING on i-1 app:8080->32768
        target web i-1:32768 healthy
        target web i-1:32769 unhealthy
        look
        look after 60s
        task t2 STOPPED/STOPPED on i-1 app:8080->32769 ended 10m ago
        look after 60s
        look after 60s
        ",
        &expect![[r#"
            0s:
              asks: owners on i-1
              web i-1:32769 | foreign | await 60s | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: found once; waiting for a second check
              looks again in 60s
            60s:
              asks: owners on i-1
              web i-1:32769 | foreign | alert | no task of this cluster uses this port: a person or another tool registered it, or it belonged to a task that ECS no longer lists: alert only
              alert: foreign (warning): web i-1:32769
            120s:
              asks: owners on i-1
              web i-1:32769 | stale | await 60s | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: found once; waiting for a second check
              alert: superseded foreign (warning): web i-1:32769 (superseded by stale, after 2 min)
              looks again in 60s
            180s:
              asks: owners on i-1
              web i-1:32769 | stale | alert | task t2 has stopped and its target is still registered; not deregistered: Portkeeper cannot prove that this registration still belongs to the stopped task: alert only
              alert: stale (error): web i-1:32769
            open: stale web i-1:32769, seen 2, reported
        "#]],
    );
}
