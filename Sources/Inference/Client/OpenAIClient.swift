import Foundation
package import HTTP
package import ModelAccess
package import Support

/// Asks any OpenAI-compatible server, the embedded one included, or several that serve the same.
package struct OpenAIClient: ChatCompleting {
  package let pool: EndpointPool
  package let model: String?
  package let dialect: any ServerDialect
  package let transport: Transport
  package let retries: RetryPolicy
  package let form: AdaptableForm
  /// Counts what requests take, where that is paid for.
  package let meter: (any TokenMeter)?

  /// - Parameters:
  ///   - model: the name that requests carry where the dialect gives no other.
  ///   - form: how requests are written; shared by clients that ask the same servers.
  package init(
    pool: EndpointPool, model: String? = nil, dialect: any ServerDialect = PlainDialect(),
    transport: Transport, retries: RetryPolicy = RetryPolicy(),
    form: AdaptableForm = AdaptableForm(), meter: (any TokenMeter)? = nil
  ) {
    self.pool = pool
    self.model = model
    self.dialect = dialect
    self.transport = transport
    self.retries = retries
    self.form = form
    self.meter = meter
  }

  package init(
    endpoint: Endpoint, model: String? = nil, dialect: any ServerDialect = PlainDialect(),
    transport: Transport, retries: RetryPolicy = RetryPolicy(),
    form: AdaptableForm = AdaptableForm(), meter: (any TokenMeter)? = nil,
    time: any TimeSource = SystemTime()
  ) {
    self.init(
      pool: EndpointPool(
        [endpoint], limit: transport.limits.connections, retries: retries, time: time),
      model: model, dialect: dialect, transport: transport, retries: retries, form: form,
      meter: meter)
  }

  package func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    try await ask(request, topLogprobs: nil).chat
  }

  /// Asks every server something harmless, so that what it refuses is known before anything is measured.
  ///
  /// - Throws: `ChatFailure` where no other request could succeed either; what may be otherwise with
  ///   another request is left to that one.
  package func tryOut(
    _ decoding: Decoding, as variant: [ScaledUpdate] = []
  ) async throws(ChatFailure) {
    var decoding = decoding
    decoding.maxTokens = min(decoding.maxTokens, 16)
    decoding.maxReasoningTokens = nil
    let request = ChatRequest(
      messages: [ChatMessage(role: .user, content: "Hello.")], decoding: decoding, variant: variant)
    let places = try dialect.fields(for: variant).endpoints ?? Array(pool.endpoints.indices)
    for place in places {
      do throws(ChatFailure) {
        _ = try await ask(request, topLogprobs: nil, only: place, isProbe: true)
      } catch {
        if error.isFatal || error.code == .cancelled { throw error }
      }
    }
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
    let body = RequestBody(request, model: name, fields, topLogprobs: topLogprobs)
    let expectedModel = fields.repliesNameTheModel ? name : nil
    var attempts = 1
    var failures = 0
    var refusals = 0
    var overloadedSince: Duration?
    var unreachable: Int?
    while true {
      let lease = try await pool.acquire(
        among: endpoint.map { [$0] } ?? fields.endpoints, avoiding: unreachable)
      let form = form.value
      let data: Data
      let reservation: TokenReservation?
      do throws(ChatFailure) {
        data = try body.encoded(form)
        reservation = try await meter?.begin(request.mostTokens)
      } catch {
        pool.release(lease, .unknown)
        throw error
      }
      let outcome = await attempt(
        data, at: pool.endpoints[lease.server], number: attempts, expectedModel: expectedModel,
        isProbe: isProbe, budget: isProbe ? nil : ReasoningBudget(request.decoding),
        sent: AdaptableForm.refusable(form))
      if let reservation { meter?.end(reservation, outcome.tokens) }
      pool.release(lease, outcome.load)
      if case .unreachable = outcome.load { unreachable = lease.server }
      let failure: ChatFailure
      switch outcome.result {
      case .success(let reply): return reply
      case .failure(let found): failure = found
      }
      attempts += 1
      if !outcome.refusedFields.isEmpty,
        try self.form.adapt(
          to: outcome.refusedFields, of: form, request.decoding, failure: failure)
      {
        continue
      }
      // Under 429 the pool's own pause decides who may come back when, and when all give up.
      if case .overloaded = outcome.load {
        refusals += 1
        let since = overloadedSince ?? pool.time.now
        overloadedSince = since
        // One request may be refused for ever where others are answered; one may also have bad luck.
        if pool.isExhausted(lease.server)
          || retries.isGivenUp(refusals: refusals / 4, for: (pool.time.now - since) / 2)
        {
          throw failure
        }
      } else {
        failures += 1
        guard failures <= retries.allowed(outcome.retry) else { throw failure }
        let delay = retries.delay(retry: failures - 1, asked: outcome.secondsAsked)
        do { try await pool.time.sleep(for: .seconds(delay)) } catch { throw .cancelled }
      }
    }
  }

  /// What one attempt came to, and whether another may do better.
  private struct Outcome {
    var result: Result<ParsedReply, ChatFailure>
    var load: EndpointPool.Outcome
    var tokens: TokenReport
    var retry = ParsedResponse.Retry.never
    var secondsAsked: Double?
    var refusedFields: [String] = []
  }

  private func attempt(
    _ body: Data, at endpoint: Endpoint, number: Int, expectedModel: String?, isProbe: Bool,
    budget: ReasoningBudget?, sent: [String]
  ) async -> Outcome {
    do throws(TransportError) {
      let response = try await transport.send(endpoint.request(endpoint.chat, body: body))
      let parsed = ReplyParser(
        endpoint: endpoint, attempts: number, expectedModel: expectedModel, isProbe: isProbe,
        budget: budget, sentFields: sent
      ).parse(response)
      return Outcome(
        result: parsed.result, load: Self.load(of: response.status, parsed), tokens: parsed.tokens,
        retry: parsed.retry, secondsAsked: parsed.secondsAsked, refusedFields: parsed.refusedFields)
    } catch {
      let failure = ChatFailure(
        code: error.code, message: "\(endpoint.name): \(error)", attempts: number,
        latencyMilliseconds: 0, isFatal: error.isFatal)
      switch error {
      case .unreachable:
        return Outcome(
          result: .failure(failure), load: .unreachable, tokens: .nothing, retry: .often)
      case .connection:
        return Outcome(
          result: .failure(failure), load: .unreachable, tokens: .unknown, retry: .often)
      case .timedOut(let phase, _):
        // What waited for a model's whole time once is not made to wait for it seven times.
        return Outcome(
          result: .failure(failure), load: .unknown,
          tokens: phase == .connection ? .nothing : .unknown,
          retry: phase == .connection ? .often : .once)
      case .invalidURL, .invalidKey, .untrusted:
        return Outcome(result: .failure(failure), load: .unknown, tokens: .nothing)
      default:
        return Outcome(result: .failure(failure), load: .unknown, tokens: .unknown)
      }
    }
  }

  private static func load(of status: Int, _ parsed: ParsedResponse) -> EndpointPool.Outcome {
    // A filter's or an account's no is an answer, whatever its status.
    guard case .failure(let failure) = parsed.result, !failure.isFatal,
      failure.code == .http(status)
    else { return .answered }
    let isOverloaded = status == 429 || status == 529 || status == 503 && parsed.secondsAsked != nil
    return isOverloaded
      ? .overloaded(secondsAsked: parsed.secondsAsked, said: failure.message) : .answered
  }
}

extension RetryPolicy {
  /// Further attempts where another may do better.
  func allowed(_ retry: ParsedResponse.Retry) -> Int {
    switch retry {
    case .never: 0
    case .once: min(1, maxRetries)
    case .often: maxRetries
    }
  }
}
