"""Secrets Manager: it stores Slack's webhooks. Each account has the secret `shop/webhook` from the start."""


def talk(say, account):
    answer = say("read by name", "GetSecretValue", SecretId="shop/webhook")
    say("read by ARN", "GetSecretValue", SecretId=answer.get("ARN", ""))
    say("read current version", "GetSecretValue", SecretId="shop/webhook", VersionStage="AWSCURRENT")
    say("read previous version", "GetSecretValue", SecretId="shop/webhook", VersionStage="AWSPREVIOUS")
    say("read unknown secret", "GetSecretValue", SecretId="shop/none")
    say("read without id", "GetSecretValue")
