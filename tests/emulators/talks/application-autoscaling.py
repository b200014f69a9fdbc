"""Application Auto Scaling: a service from a spec can scale."""

WEB = {"ServiceNamespace": "ecs", "ResourceId": "service/scaling/web", "ScalableDimension": "ecs:service:DesiredCount"}
CPU = {
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    "TargetValue": 60.0,
}


def talk(say, account):
    _service(say, account)
    _targets(say)
    _policies(say)
    _refused(say)
    _end(say)


def _service(say, account):
    """Creates the service that scales, because moto verifies that it exists."""
    ecs = account.client("ecs")
    app = {"name": "app", "image": "app:1", "memory": 128}
    ecs.create_cluster(clusterName="scaling")
    ecs.register_task_definition(family="scaled", containerDefinitions=[app])
    ecs.create_service(cluster="scaling", serviceName="web", taskDefinition="scaled", desiredCount=0)


def _targets(say):
    say("describe targets before there are any", "DescribeScalableTargets", ServiceNamespace="ecs")
    say("register target", "RegisterScalableTarget", **WEB, MinCapacity=1, MaxCapacity=4)
    say("register target again, other bounds", "RegisterScalableTarget", **WEB, MinCapacity=2)
    say("describe targets", "DescribeScalableTargets", ServiceNamespace="ecs")
    say("describe target by id", "DescribeScalableTargets", ServiceNamespace="ecs", ResourceIds=[WEB["ResourceId"]])
    say(
        "describe unknown target",
        "DescribeScalableTargets",
        ServiceNamespace="ecs",
        ResourceIds=["service/scaling/none"],
    )
    say("describe targets with unknown token", "DescribeScalableTargets", ServiceNamespace="ecs", NextToken="nobody's")


def _policies(say):
    policy = {"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling", **WEB}
    tracked = {"TargetTrackingScalingPolicyConfiguration": CPU}
    made = say("put policy", "PutScalingPolicy", **policy, **tracked)
    again = say.quietly("PutScalingPolicy", **policy, **tracked)
    say.note("put policy again: the same ARN", made.get("PolicyARN") == again.get("PolicyARN"))
    say("describe policies", "DescribeScalingPolicies", ServiceNamespace="ecs")
    unknown = {"ServiceNamespace": "ecs", "ResourceId": "service/scaling/none"}
    say("describe policies of unknown target", "DescribeScalingPolicies", **unknown)
    orphan = {**policy, **tracked, "ResourceId": "service/scaling/none"}
    say("put policy of unknown target", "PutScalingPolicy", **orphan)
    say("put policy without configuration", "PutScalingPolicy", **policy)


def _refused(say):
    say("register target, least above most", "RegisterScalableTarget", **WEB, MinCapacity=5, MaxCapacity=4)
    fresh = {**WEB, "ResourceId": "service/scaling/new"}
    say("register target without most", "RegisterScalableTarget", **fresh, MinCapacity=1)
    say(
        "register target of unknown kind",
        "RegisterScalableTarget",
        **{**fresh, "ServiceNamespace": "shop"},
        MinCapacity=1,
        MaxCapacity=2
    )
    say(
        "register target of other dimension",
        "RegisterScalableTarget",
        **{**fresh, "ScalableDimension": "ecs:task:Count"},
        MinCapacity=1,
        MaxCapacity=2
    )


def _end(say):
    say("delete unknown policy", "DeleteScalingPolicy", PolicyName="none", **WEB)
    say("delete policy", "DeleteScalingPolicy", PolicyName="cpu", **WEB)
    say("deregister target", "DeregisterScalableTarget", **WEB)
    say("deregister target again", "DeregisterScalableTarget", **WEB)
