import Foundation
package import ModelAccess
package import Support

/// Asks any OpenAI-compatible server, the embedded one included, or several that serve the same.
package struct OpenAIClient: ChatCompleting {
  package let pool: EndpointPool
  package let model: String?
  package let dialect: any ServerDialect
  package let transport: Transport
  package let retries: RetryPolicy

  /// - Parameter model: the name that requests carry where the dialect gives no other.
  package init(
    pool: EndpointPool, model: String? = nil, dialect: any ServerDialect = PlainDialect(),
    transport: Transport, retries: RetryPolicy = RetryPolicy()
  ) {
    self.pool = pool
    self.model = model
    self.dialect = dialect
    self.transport = transport
    self.retries = retries
  }

  package init(
    endpoint: Endpoint, model: String? = nil, dialect: any ServerDialect = PlainDialect(),
    transport: Transport, retries: RetryPolicy = RetryPolicy(),
    time: any TimeSource = SystemTime()
  ) {
    self.init(
      pool: EndpointPool(
        [endpoint], limit: transport.limits.connections, retries: retries, time: time),
      model: model, dialect: dialect, transport: transport, retries: retries)
  }

  package func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    try await ask(request, topLogprobs: nil).chat
  }

  /// As `complete`, with the log-probabilities of the reply's tokens where `topLogprobs` asks for
  /// them and the server gives them.
  ///
  /// - Parameters:
  ///   - endpoint: the index of the one that must answer.
  ///   - isProbe: whether thoughts are as good as an answer.
  func ask(
    _ request: ChatRequest, topLogprobs: Int?, only endpoint: Int? = nil, isProbe: Bool = false
  ) async throws(ChatFailure) -> ParsedReply {
    let fields = try dialect.fields(for: request.variant)
    let name = fields.model ?? model
    let body = try RequestBody(request, model: name, fields, topLogprobs: topLogprobs).encoded()
    let expectedModel = fields.repliesNameTheModel ? name : nil
    var attempts = 1
    var unreachable: Int?
    while true {
      let lease = try await pool.acquire(
        among: endpoint.map { [$0] } ?? fields.endpoints, avoiding: unreachable)
      let outcome = await attempt(
        body, at: pool.endpoints[lease.server], number: attempts, expectedModel: expectedModel,
        isProbe: isProbe)
      pool.release(lease, outcome.load)
      if case .unreachable = outcome.load { unreachable = lease.server }
      switch outcome.result {
      case .success(let reply):
        return reply
      case .failure(let failure):
        guard outcome.isTransient, attempts <= retries.maxRetries else { throw failure }
      }
      // Under 429 the pool's own pause decides who may come back when, and when all give up.
      if case .overloaded = outcome.load {
        if pool.isExhausted(lease.server), case .failure(let failure) = outcome.result {
          throw failure
        }
      } else {
        let delay = retries.delay(retry: attempts - 1, retryAfter: outcome.retryAfter)
        do { try await pool.time.sleep(for: .seconds(delay)) } catch { throw .cancelled }
      }
      attempts += 1
    }
  }

  /// What one attempt came to, and whether another may do better.
  private struct Outcome {
    var result: Result<ParsedReply, ChatFailure>
    var load: EndpointPool.Outcome
    var isTransient = false
    var retryAfter: String?
  }

  private func attempt(
    _ body: Data, at endpoint: Endpoint, number: Int, expectedModel: String?, isProbe: Bool
  ) async -> Outcome {
    do throws(TransportError) {
      let response = try await transport.send(
        TransportRequest(
          url: endpoint.chat, body: body,
          headers: ["Content-Type: application/json"] + endpoint.authorization))
      let parsed = ReplyParser(
        endpoint: endpoint, attempts: number, expectedModel: expectedModel, isProbe: isProbe
      ).parse(response)
      let retryAfter = response.headers["retry-after"]
      let isOverloaded = response.status == 429 || response.status == 503 && retryAfter != nil
      return Outcome(
        result: parsed.result,
        load: isOverloaded
          ? .overloaded(secondsAsked: retryAfter.flatMap { RetryPolicy.seconds(of: $0, now: .now) })
          : .answered,
        isTransient: parsed.isTransient, retryAfter: retryAfter)
    } catch {
      let failure = ChatFailure(
        code: error.code, message: "\(endpoint.name): \(error)", attempts: number,
        latencyMilliseconds: 0, isFatal: error.isFatal)
      switch error {
      case .connection:
        return Outcome(result: .failure(failure), load: .unreachable, isTransient: true)
      case .timedOut:
        return Outcome(result: .failure(failure), load: .unknown, isTransient: true)
      default:
        return Outcome(result: .failure(failure), load: .unknown)
      }
    }
  }
}
