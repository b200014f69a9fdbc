"""DynamoDB: the ledger. The rule of one writer depends on the response to a failed condition."""


def talk(say, account):
    _tables(say)
    _items(say)
    _conditions(say)
    _batches(say)


def _tables(say):
    settings = {
        "TableName": "ledger",
        "KeySchema": [{"AttributeName": "service", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "service", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    say("create table", "CreateTable", **settings)
    say("create table again", "CreateTable", **settings)
    other = [{"AttributeName": "other", "AttributeType": "S"}]
    say(
        "create table whose key is not defined",
        "CreateTable",
        **{**settings, "TableName": "bad", "AttributeDefinitions": other},
    )
    say("describe table", "DescribeTable", TableName="ledger")
    say("describe unknown table", "DescribeTable", TableName="none")
    expiry = {"AttributeName": "expires", "Enabled": True}
    say("set time to live", "UpdateTimeToLive", TableName="ledger", TimeToLiveSpecification=expiry)
    say("set time to live again", "UpdateTimeToLive", TableName="ledger", TimeToLiveSpecification=expiry)
    say("set time to live of unknown table", "UpdateTimeToLive", TableName="none", TimeToLiveSpecification=expiry)


def _items(say):
    key = {"service": {"S": "shop/web"}}
    item = {**key, "version": {"N": "1"}, "targets": {"L": [{"M": {"port": {"N": "32768"}}}]}, "quiet": {"BOOL": True}}
    say("get what is not there", "GetItem", TableName="ledger", Key=key)
    say("put", "PutItem", TableName="ledger", Item=item)
    say("get", "GetItem", TableName="ledger", Key=key, ConsistentRead=True)
    say("get part", "GetItem", TableName="ledger", Key=key, ProjectionExpression="version, quiet")
    say("get part, reserved word", "GetItem", TableName="ledger", Key=key, ProjectionExpression="state")
    say("get from unknown table", "GetItem", TableName="none", Key=key)
    say("get by wrong key", "GetItem", TableName="ledger", Key={"name": {"S": "shop/web"}})
    say("get by key of wrong type", "GetItem", TableName="ledger", Key={"service": {"N": "1"}})
    say("get by key and more", "GetItem", TableName="ledger", Key={**key, "version": {"N": "1"}})
    say("put and get old", "PutItem", TableName="ledger", Item=item, ReturnValues="ALL_OLD")
    say("put and get new", "PutItem", TableName="ledger", Item=item, ReturnValues="ALL_NEW")
    say("put without key", "PutItem", TableName="ledger", Item={"version": {"N": "1"}})
    say("put empty key", "PutItem", TableName="ledger", Item={"service": {"S": ""}})
    say("put in unknown table", "PutItem", TableName="none", Item=item)
    say("put what is no number", "PutItem", TableName="ledger", Item={**key, "version": {"N": "one"}})
    say("put empty set", "PutItem", TableName="ledger", Item={**key, "names": {"SS": []}})
    say("put more than 400 KB", "PutItem", TableName="ledger", Item={**key, "text": {"S": "x" * 409_600}})
    odd = {"service": {"S": "shop/odd"}, "version": {"N": "1", "S": "1"}}
    say("put value of two types", "PutItem", TableName="ledger", Item=odd)
    say("delete what is not there", "DeleteItem", TableName="ledger", Key={"service": {"S": "shop/none"}})
    say("delete and get old", "DeleteItem", TableName="ledger", Key=key, ReturnValues="ALL_OLD")


def _conditions(say):
    key = {"service": {"S": "shop/web"}}

    def put(step, version, service="shop/web", **more):
        item = {"service": {"S": service}, "version": {"N": str(version)}}
        say(step, "PutItem", TableName="ledger", Item=item, **more)

    fresh = {"ConditionExpression": "attribute_not_exists(service)"}
    show = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

    def expecting(version, how="version = :v"):
        return {"ConditionExpression": how, "ExpressionAttributeValues": {":v": {"N": str(version)}}}

    put("put where nothing is", 1, **fresh)
    put("put where something is", 1, **fresh)
    put("put where something is, show it", 1, **fresh, **show)
    put("put where version fits", 2, **expecting(1))
    put("put where version does not fit", 3, **expecting(1))
    put("put where version does not fit, show it", 3, **expecting(1), **show)
    put("put where version fits as 2.0", 3, **expecting("2.0"))
    put(
        "put with condition of two parts",
        4,
        **expecting(3, "attribute_exists(service) AND (version >= :v OR NOT version <> :v)"),
    )
    say(
        "condition on what is not there, show it",
        "PutItem",
        TableName="ledger",
        Item={"service": {"S": "shop/new"}},
        **expecting(1),
        **show,
    )
    say(
        "condition not equal on what is not there",
        "DeleteItem",
        TableName="ledger",
        Key={"service": {"S": "shop/new"}},
        **expecting(1, "version <> :v"),
    )
    say("delete where version does not fit, show it", "DeleteItem", TableName="ledger", Key=key, **expecting(1), **show)
    named = {"ConditionExpression": "#v = :v", "ExpressionAttributeNames": {"#v": "version"}}
    put("condition with name", 5, **{**expecting(4), **named})
    say("get after conditions", "GetItem", TableName="ledger", Key=key)
    odd = "shop/odd"
    put("condition on reserved word", 6, odd, **expecting(4, "state = :v"))
    put("condition with unused value", 6, odd, ExpressionAttributeValues={":v": {"N": "1"}})
    put("condition with unused name", 6, odd, **{**expecting(5), "ExpressionAttributeNames": {"#v": "version"}})
    put("condition with unknown value", 6, odd, **{**expecting(5), "ConditionExpression": "version = :w"})
    put("condition that is none", 6, odd, **expecting(5, "version ="))
    put("condition with parenthesis left open", 6, odd, **expecting(5, "(version = :v"))
    put("unknown word for what to show", 6, odd, **expecting(4), ReturnValuesOnConditionCheckFailure="ALL")


def _batches(say):
    def get(step, *names, **more):
        keys = [{"service": {"S": name}} for name in names]
        say(step, "BatchGetItem", RequestItems={"ledger": {"Keys": keys, **more}})

    get("get batch", "shop/web", "shop/none", ConsistentRead=True)
    get("get batch, part", "shop/web", ProjectionExpression="version")
    get("get batch of none")
    get("get batch, one twice", "shop/web", "shop/web")
    get("get batch of 101", *(f"shop/{number}" for number in range(101)))
    say("get batch from unknown table", "BatchGetItem", RequestItems={"none": {"Keys": [{"service": {"S": "a"}}]}})
    say("get batch from no table", "BatchGetItem", RequestItems={})
