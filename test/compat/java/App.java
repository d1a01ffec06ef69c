import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.embeddings.EmbeddingCreateParams;

/** An ordinary app: it knows the OpenAI client and nothing of OpenTelemetry. */
public class App {
  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder().model("gpt-4o-mini").addUserMessage("hello");
  }

  public static void main(String[] args) {
    OpenAIClient client = OpenAIOkHttpClient.builder().fromEnv().maxRetries(0).build();
    client.chat().completions().create(chat().build());
    String cached = "{\"usage\": {\"input\": 100, \"cacheRead\": 900, \"output\": 50, \"reasoning\": 20}}";
    client.chat().completions().create(chat().putAdditionalHeader("x-stand-in", cached).build());
    client
        .embeddings()
        .create(EmbeddingCreateParams.builder().model("text-embedding-3-large").input("hello").build());
    ChatCompletionStreamOptions told = ChatCompletionStreamOptions.builder().includeUsage(true).build();
    for (ChatCompletionCreateParams.Builder asked : new ChatCompletionCreateParams.Builder[] {chat().streamOptions(told), chat()}) {
      try (var stream = client.chat().completions().createStreaming(asked.build())) {
        stream.stream().forEach(chunk -> {});
      }
    }
    try {
      client.chat().completions().create(chat().putAdditionalHeader("x-stand-in", "{\"status\": 429}").build());
    } catch (OpenAIServiceException error) {
      if (error.statusCode() != 429) throw error;
    }
    client.close();
  }
}
