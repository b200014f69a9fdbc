"""Elastic Load Balancing v2: Portkeeper's safety depends on the registered targets and their health."""

import time

UNKNOWN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:{}/0123456789abcdef"
NO_GROUP = UNKNOWN.format("targetgroup/none")
NO_BALANCER = UNKNOWN.format("loadbalancer/app/none")
NO_LISTENER = UNKNOWN.format("listener/app/front/0123456789abcdef")
NO_RULE = UNKNOWN.format("listener-rule/app/front/0123456789abcdef/0123456789abcdef")
STRANGER = {"Id": "i-0123456789abcdef0", "Port": 32768}

# Longer than a load balancer of ours needs for its health checks, and than targets drain in `web-tg`.
SETTLED_SECONDS = 7


def talk(say, account):
    _groups(say, account)
    _attributes(say)
    front = _front(say, account)
    _instances(say, account, front["web"])
    _addresses(say, account)
    _refused_targets(say, account)
    _refused_groups(say, account)
    _refused_front(say, account, front)
    _end(say, front)


def _groups(say, account):
    web = {"Name": "web-tg", "Protocol": "HTTP", "Port": 8080, "VpcId": account.vpc}
    say("create group", "CreateTargetGroup", **web)
    say("create network group", "CreateTargetGroup", **{**web, "Name": "net-tg", "Protocol": "TCP"})
    say("create group for addresses", "CreateTargetGroup", **{**web, "Name": "api-tg", "TargetType": "ip"})
    say("create group again", "CreateTargetGroup", **web)
    say("create group again, other port", "CreateTargetGroup", **{**web, "Port": 81})
    say("describe groups by name", "DescribeTargetGroups", Names=["api-tg", "web-tg"])
    say("describe groups by unknown name", "DescribeTargetGroups", Names=["web-tg", "none"])
    say("describe groups by unknown ARN", "DescribeTargetGroups", TargetGroupArns=[NO_GROUP])
    say("describe groups of unknown balancer", "DescribeTargetGroups", LoadBalancerArn=NO_BALANCER)
    both = {"Names": ["web-tg"], "TargetGroupArns": [_arn(say, "web-tg")]}
    say("describe groups by name and ARN", "DescribeTargetGroups", **both)
    paged = ("Marker", "NextMarker")
    say.pages("describe groups, page size 2", "DescribeTargetGroups", "TargetGroups", paged, PageSize=2)
    for size in [0, 401]:
        say(f"describe groups, page size {size}", "DescribeTargetGroups", PageSize=size)
    say("describe groups, unknown marker", "DescribeTargetGroups", Marker="nobody's")


def _arn(say, name):
    return say.quietly("DescribeTargetGroups", Names=[name])["TargetGroups"][0]["TargetGroupArn"]


def _attributes(say):
    web = _arn(say, "web-tg")
    say("describe attributes", "DescribeTargetGroupAttributes", TargetGroupArn=web)
    say("describe attributes of unknown group", "DescribeTargetGroupAttributes", TargetGroupArn=NO_GROUP)
    for delay in ["3601", "5"]:
        delay_is = [{"Key": "deregistration_delay.timeout_seconds", "Value": delay}]
        say(f"set delay {delay}", "ModifyTargetGroupAttributes", TargetGroupArn=web, Attributes=delay_is)
    say("tag group", "AddTags", ResourceArns=[web], Tags=[{"Key": "portkeeper:mode", "Value": "alert"}])
    say("describe tags", "DescribeTags", ResourceArns=[web])
    say("describe tags of unknown group", "DescribeTags", ResourceArns=[NO_GROUP])
    say("describe tags of 21 groups", "DescribeTags", ResourceArns=[web] * 21)


def _front(say, account):
    """Creates a load balancer, its listener and a rule that forwards to `web-tg`, and returns their ARNs."""
    front = {"Name": "front", "Subnets": account.subnets, "Scheme": "internal"}
    balancer = say("create balancer", "CreateLoadBalancer", **front)["LoadBalancers"][0]["LoadBalancerArn"]
    say("create balancer again", "CreateLoadBalancer", **front)
    say("create balancer again, other scheme", "CreateLoadBalancer", **{**front, "Scheme": "internet-facing"})
    say("describe balancers by name", "DescribeLoadBalancers", Names=["front"])
    say("describe balancers by unknown name", "DescribeLoadBalancers", Names=["none"])
    say("describe balancers by unknown ARN", "DescribeLoadBalancers", LoadBalancerArns=[NO_BALANCER])
    fixed = {"StatusCode": "404", "ContentType": "text/plain"}
    refuse = [{"Type": "fixed-response", "FixedResponseConfig": fixed}]
    listen = {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": refuse}
    listener = say("create listener", "CreateListener", **listen)["Listeners"][0]["ListenerArn"]
    say("describe listeners", "DescribeListeners", LoadBalancerArn=balancer)
    web = _arn(say, "web-tg")
    path = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/web/*"]}}]
    forward = [{"Type": "forward", "TargetGroupArn": web}]
    rule = {"ListenerArn": listener, "Priority": 10, "Conditions": path, "Actions": forward}
    made = say("create rule", "CreateRule", **rule)["Rules"][0]["RuleArn"]
    say("describe rules", "DescribeRules", ListenerArn=listener)
    say("describe rule by ARN", "DescribeRules", RuleArns=[made])
    say("describe groups of balancer", "DescribeTargetGroups", LoadBalancerArn=balancer)
    return {"balancer": balancer, "listen": listen, "listener": listener, "rule": made, "rule_is": rule, "web": web}


def _instances(say, account, web):
    """Registers instances with several ports in a group that receives traffic."""

    def change(step, operation, *targets):
        say(step, operation, TargetGroupArn=web, Targets=list(targets))

    def health(step, *targets):
        say(step, "DescribeTargetHealth", TargetGroupArn=web, **({"Targets": list(targets)} if targets else {}))

    one, two = ({"Id": account.instance, "Port": port} for port in (32768, 32769))
    without_port = {"Id": account.instance}
    health("health of empty group")
    health("health of target never registered", one)
    health("health of unknown instance", STRANGER)
    change("register two ports of an instance", "RegisterTargets", one, two)
    health("health at once")
    time.sleep(SETTLED_SECONDS)
    health("health when settled")
    health("health of one port", two)
    health("health of one registered and one not", two, {**two, "Port": 32999})
    change("register again", "RegisterTargets", one)
    health("health after registering again")
    change("deregister target never registered", "DeregisterTargets", {**one, "Port": 32999})
    change("deregister unknown instance", "DeregisterTargets", STRANGER)
    change("deregister without port", "DeregisterTargets", without_port)
    health("health after deregistering others")
    change("register without port", "RegisterTargets", without_port)
    health("health without port", without_port)
    change("deregister without port what was registered so", "DeregisterTargets", without_port)
    change("deregister one port", "DeregisterTargets", one)
    change("deregister again while it drains", "DeregisterTargets", one)
    health("health of a port that drains", one)
    health("health of the port that stays", two)
    time.sleep(SETTLED_SECONDS)
    health("health of a port that left", one)
    change("deregister again when it left", "DeregisterTargets", one)


def _addresses(say, account):
    """Registers addresses in a group without a load balancer."""
    group = {"TargetGroupArn": _arn(say, "api-tg")}
    one = {**group, "Targets": [{"Id": "10.0.0.9", "Port": 80}]}
    say("register address", "RegisterTargets", **one)
    say(
        "register address outside in zone all",
        "RegisterTargets",
        **group,
        Targets=[{"Id": "192.168.7.7", "Port": 80, "AvailabilityZone": "all"}],
    )
    say("health of addresses", "DescribeTargetHealth", **group)
    say("deregister address", "DeregisterTargets", **one)
    say("health of address that left", "DescribeTargetHealth", **one)


def _refused_targets(say, account):
    """Makes the refused calls in a separate group, because the emulators accept what AWS refuses."""
    settings = {"Protocol": "HTTP", "Port": 8080, "VpcId": account.vpc}
    odd = say.quietly("CreateTargetGroup", Name="odd-tg", **settings)["TargetGroups"][0]["TargetGroupArn"]
    odd_ip = say.quietly("CreateTargetGroup", Name="odd-ip-tg", TargetType="ip", **settings)["TargetGroups"][0][
        "TargetGroupArn"
    ]
    good = {"Id": account.instance, "Port": 32768}

    def register(step, *targets, group=odd):
        say(step, "RegisterTargets", TargetGroupArn=group, Targets=list(targets))

    register("register in unknown group", good, group=NO_GROUP)
    register("register nothing")
    register("register unknown instance", STRANGER)
    register("register address in group of instances", {"Id": "10.0.0.9", "Port": 80})
    register("register one good and one unknown", good, STRANGER)
    register("register port 0", {**good, "Port": 0})
    register("register port 65536", {**good, "Port": 65536})
    register("register target without id", {"Port": 80})
    say("health after refusals", "DescribeTargetHealth", TargetGroupArn=odd)
    say("health of unknown group", "DescribeTargetHealth", TargetGroupArn=NO_GROUP)
    say("deregister from unknown group", "DeregisterTargets", TargetGroupArn=NO_GROUP, Targets=[good])
    say("deregister nothing", "DeregisterTargets", TargetGroupArn=odd, Targets=[])
    register("register what is no address", {"Id": "web.example.com", "Port": 80}, group=odd_ip)
    register("register instance in group of addresses", good, group=odd_ip)
    register("register address of other family", {"Id": "2001:db8::9", "Port": 80}, group=odd_ip)
    register("register address outside without zone", {"Id": "192.168.7.7", "Port": 80}, group=odd_ip)
    register(
        "register address inside in zone all", {"Id": "10.0.0.9", "Port": 80, "AvailabilityZone": "all"}, group=odd_ip
    )


def _refused_groups(say, account):
    web = {"Protocol": "HTTP", "Port": 80, "VpcId": account.vpc}
    for what, name in [("33 characters", "x" * 33), ("a hyphen first", "-web"), ("an underscore", "web_tg")]:
        say(f"create group named with {what}", "CreateTargetGroup", **web, Name=name)
    say("create group without protocol", "CreateTargetGroup", Name="bad-1", Port=80, VpcId=account.vpc)
    say("create group without port", "CreateTargetGroup", Name="bad-2", Protocol="HTTP", VpcId=account.vpc)
    say("create group with target type pod", "CreateTargetGroup", **web, Name="bad-3", TargetType="pod")


def _refused_front(say, account, front):
    say("create balancer without subnets", "CreateLoadBalancer", Name="bad-1")
    nowhere = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    say("create balancer in unknown subnets", "CreateLoadBalancer", Name="bad-2", Subnets=nowhere)
    to_nowhere = [{"Type": "forward", "TargetGroupArn": NO_GROUP}]
    listen, rule = front["listen"], front["rule_is"]
    taken = [{"Type": "forward", "TargetGroupArn": front["web"]}]
    say("create listener again", "CreateListener", **listen)
    say("create listener, port taken", "CreateListener", **{**listen, "DefaultActions": taken})
    say("create listener to unknown group", "CreateListener", **{**listen, "Port": 81, "DefaultActions": to_nowhere})
    say("create listener of unknown balancer", "CreateListener", **{**listen, "LoadBalancerArn": NO_BALANCER})
    say("describe unknown listener", "DescribeListeners", ListenerArns=[NO_LISTENER])
    say("describe listeners of nothing", "DescribeListeners")
    say("create rule, priority taken", "CreateRule", **rule)
    say("create rule, priority 0", "CreateRule", **{**rule, "Priority": 0})
    say("create rule, priority 50001", "CreateRule", **{**rule, "Priority": 50001})
    say("create rule to unknown group", "CreateRule", **{**rule, "Priority": 11, "Actions": to_nowhere})
    say("create rule of unknown listener", "CreateRule", **{**rule, "ListenerArn": NO_LISTENER})
    say("describe unknown rule", "DescribeRules", RuleArns=[NO_RULE])
    say("describe rules of unknown listener", "DescribeRules", ListenerArn=NO_LISTENER)


def _end(say, front):
    net = _arn(say, "net-tg")
    say("delete group", "DeleteTargetGroup", TargetGroupArn=net)
    say("delete group again", "DeleteTargetGroup", TargetGroupArn=net)
    say("health of deleted group", "DescribeTargetHealth", TargetGroupArn=net)
    say("delete group in use", "DeleteTargetGroup", TargetGroupArn=front["web"])
    say("delete rule", "DeleteRule", RuleArn=front["rule"])
    say("delete rule again", "DeleteRule", RuleArn=front["rule"])
    say("delete listener", "DeleteListener", ListenerArn=front["listener"])
    say("delete listener again", "DeleteListener", ListenerArn=front["listener"])
    say("delete balancer", "DeleteLoadBalancer", LoadBalancerArn=front["balancer"])
    say("delete balancer again", "DeleteLoadBalancer", LoadBalancerArn=front["balancer"])
