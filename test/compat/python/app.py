"""An ordinary app: it knows the OpenAI client and nothing of OpenTelemetry."""

from openai import APIStatusError, OpenAI

client = OpenAI(max_retries=0)
hello = [{"role": "user", "content": "hello"}]

client.chat.completions.create(model="gpt-4o-mini", messages=hello)
client.embeddings.create(model="text-embedding-3-large", input="hello")
for chunk in client.chat.completions.create(
    model="gpt-4o-mini", messages=hello, stream=True, stream_options={"include_usage": True}
):
    pass
for chunk in client.chat.completions.create(model="gpt-4o-mini", messages=hello, stream=True):
    pass
try:
    client.chat.completions.create(
        model="gpt-4o-mini", messages=hello, extra_headers={"x-stand-in": '{"status": 429}'}
    )
except APIStatusError as error:
    assert error.status_code == 429
