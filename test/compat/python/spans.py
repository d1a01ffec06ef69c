"""Sends spans of made-up calls with the real exporters: spans.py grpc|http <tenant> <calls> <batch>."""

import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

protocol, tenant, calls, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider(resource=Resource.create({"service.name": "shop", "tenant.id": tenant}))
provider.add_span_processor(
    BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=2 * calls + 1, max_export_batch_size=batch)
)
tracer = provider.get_tracer("shop", "1.0.0")
for index in range(calls):
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.id": f"{tenant}-{index}",
        "gen_ai.usage.input_tokens": 100 + index,
        "gen_ai.usage.output_tokens": 7 * index,
    }
    tracer.start_span("chat gpt-4o-mini", kind=SpanKind.CLIENT, attributes=attributes).end()
    tracer.start_span("GET /cart").end()
provider.force_flush()
provider.shutdown()
