"""CloudWatch Logs: a service from a spec can have a log group."""


def talk(say, account):
    say("create group", "CreateLogGroup", logGroupName="/shop/web")
    say("create group again", "CreateLogGroup", logGroupName="/shop/web")
    say("keep for 30 days", "PutRetentionPolicy", logGroupName="/shop/web", retentionInDays=30)
    say("keep unknown group", "PutRetentionPolicy", logGroupName="/shop/none", retentionInDays=30)
    say("describe groups", "DescribeLogGroups", logGroupNamePrefix="/shop/")
    say("describe unknown groups", "DescribeLogGroups", logGroupNamePrefix="/none/")
    say("delete group", "DeleteLogGroup", logGroupName="/shop/web")
    say("delete group again", "DeleteLogGroup", logGroupName="/shop/web")
    say("create group with a space", "CreateLogGroup", logGroupName="/shop/my web")
    say.quietly("CreateLogGroup", logGroupName="/shop/odd")
    say("keep for 31 days", "PutRetentionPolicy", logGroupName="/shop/odd", retentionInDays=31)
