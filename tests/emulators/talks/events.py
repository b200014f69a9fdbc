"""EventBridge: Portkeeper puts alerts on the default bus; each entry has its own result."""


def talk(say, account):
    entry = {"Source": "portkeeper", "DetailType": "Portkeeper Alert", "Detail": '{"code": "missing"}'}

    def put(step, *entries):
        say(step, "PutEvents", Entries=list(entries))

    put("put", entry)
    put("put with resources", {**entry, "Resources": ["arn:aws:ecs:eu-west-1:111122223333:service/shop/web"]})
    put("put none")
    put("put 11", *([entry] * 11))
    put("put one good and one without source", entry, {name: entry[name] for name in ["DetailType", "Detail"]})
    put("put without detail type", {name: entry[name] for name in ["Source", "Detail"]})
    put("put without detail", {name: entry[name] for name in ["Source", "DetailType"]})
    put("put detail that is no JSON", {**entry, "Detail": "missing"})
    put("put detail that is a list", {**entry, "Detail": "[]"})
    put("put as AWS", {**entry, "Source": "aws.ecs"})
    put("put on unknown bus", {**entry, "EventBusName": "none"})
    put("put on the default bus by name", {**entry, "EventBusName": "default"})
    put("put 1 MiB", {**entry, "Detail": '{"text": "' + "x" * 1_048_576 + '"}'})
