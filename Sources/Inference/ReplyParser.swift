import Chat
import Foundation

/// Reads a chat completion: strictly where a mistake could pass for an answer, with understanding
/// for what servers do differently.
struct ReplyParser {
  let endpoint: Endpoint
  let attempts: Int

  private struct Reply: Decodable {
    struct Choice: Decodable {
      var index: Int?
      var message: Message?
      var finishReason: String?
    }
    struct Message: Decodable {
      var content: String?
      var reasoningContent: String?
      var refusal: String?
    }
    struct Usage: Decodable {
      var promptTokens: Int?
      var completionTokens: Int?
    }
    struct Failure: Decodable {
      var message: String?
    }
    var choices: [Choice]?
    var usage: Usage?
    var error: Failure?
  }

  func parse(
    _ response: TransportResponse
  ) -> (result: Result<ChatReply, ChatFailure>, isTransient: Bool) {
    func failure(
      _ code: String, _ message: String, isFatal: Bool = false
    ) -> Result<ChatReply, ChatFailure> {
      .failure(
        ChatFailure(
          code: code, message: "\(endpoint.name): \(message)", attempts: attempts,
          latencyMilliseconds: response.milliseconds, isFatal: isFatal))
    }
    let shown = endpoint.excerpt(response.body)
    switch response.status {
    case 200..<300:
      break
    case 300..<400:
      let place = response.headers["location"] ?? "nowhere"
      return (
        failure(
          "redirect",
          "expected an answer, found a redirect to \(endpoint.excerpt(Data(place.utf8))); redirects "
            + "are not followed, pass the right --endpoint", isFatal: true), false
      )
    case 401, 403:
      return (
        failure(
          "http-\(response.status)",
          "the server refused the key; set \(Endpoint.keyVariables.joined(separator: " or ")) "
            + "(\(shown))", isFatal: true), false
      )
    case 404:
      return (
        failure(
          "http-404",
          "the server has no such path or model; check --endpoint and --model-name "
            + "(\(shown))", isFatal: true), false
      )
    default:
      return (
        failure("http-\(response.status)", "found status \(response.status): \(shown)"),
        RetryPolicy.isTransient(status: response.status)
      )
    }
    if let type = response.headers["content-type"], !type.lowercased().contains("json") {
      return (
        failure(
          "wrong-content-type",
          "expected application/json, found \(endpoint.excerpt(Data(type.utf8))): \(shown)"), true
      )
    }
    guard String(validating: response.body, as: UTF8.self) != nil else {
      return (failure("invalid-utf8", "expected UTF-8, found other bytes: \(shown)"), true)
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let reply = try? decoder.decode(Reply.self, from: response.body) else {
      return (
        failure("malformed-reply", "expected a chat completion in JSON, found: \(shown)"), true
      )
    }
    if let error = reply.error, reply.choices?.isEmpty ?? true {
      let text = endpoint.excerpt(Data((error.message ?? "no message").utf8))
      return (failure("error-in-reply", "the server answered with an error: \(text)"), true)
    }
    guard let choice = reply.choices?.first(where: { $0.index ?? 0 == 0 }),
      let message = choice.message
    else {
      return (failure("no-choices", "expected choices[0].message, found: \(shown)"), true)
    }
    // A model that refuses through the API's own field has refused.
    let text = message.content ?? message.refusal
    if text?.isEmpty ?? true, message.reasoningContent?.isEmpty == false {
      return (
        failure(
          "no-answer-within-limit",
          "the model used all its tokens for reasoning and gave no answer; raise --max-tokens"),
        false
      )
    }
    guard let text else {
      return (failure("no-content", "expected message.content to be a text, found null"), false)
    }
    return (
      .success(
        ChatReply(
          text: text, finishReason: choice.finishReason,
          latencyMilliseconds: response.milliseconds, attempts: attempts,
          promptTokens: reply.usage?.promptTokens,
          completionTokens: reply.usage?.completionTokens)), false
    )
  }
}
