// Sends spans of made-up calls with the real exporters: sender http|grpc <tenant> <calls>.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func newExporter(ctx context.Context, protocol string) (*otlptrace.Exporter, error) {
	if protocol == "grpc" {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

func main() {
	ctx := context.Background()
	tenant := os.Args[2]
	calls, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	exporter, err := newExporter(ctx, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(2*calls+1), sdktrace.WithMaxExportBatchSize(100)),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "shop"), attribute.String("tenant.id", tenant))),
	)
	tracer := provider.Tracer("shop")
	for index := range calls {
		_, call := tracer.Start(ctx, "chat gpt-4o-mini", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("gen_ai.provider.name", "openai"),
			attribute.String("gen_ai.request.model", "gpt-4o-mini"),
			attribute.String("gen_ai.response.id", fmt.Sprintf("%s-%d", tenant, index)),
			attribute.Int("gen_ai.usage.input_tokens", 100+index),
			attribute.Int("gen_ai.usage.output_tokens", 7*index),
		))
		call.End()
		_, other := tracer.Start(ctx, "GET /cart")
		other.End()
	}
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
