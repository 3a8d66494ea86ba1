import Foundation
package import HTTP
package import ModelAccess
package import Support

/// Asks a server what it is before it is measured.
package struct ServerProbe: Sendable {
  /// One entry of `GET /lora-adapters`.
  package struct Adapter: Decodable, Hashable, Sendable {
    package var id: Int
    package var name: String?
    package var path: String?
  }

  package let endpoint: Endpoint
  package let transport: Transport
  private let time: any TimeSource

  package init(
    endpoint: Endpoint, transport: Transport, time: any TimeSource = SystemTime()
  ) {
    self.endpoint = endpoint
    self.transport = transport
    self.time = time
  }

  /// Waits until the server can be asked: `GET /health` says yes, or it has no such path.
  ///
  /// Servers answer 503 while they load. Any other refusal says that the path is not for us (404, 405, a
  /// key that it wants, a redirect): whether models are served, their list or a reply shows.
  ///
  /// - Parameter isAlive: whether waiting makes sense.
  package func waitUntilReady(
    seconds: Double, isAlive: @Sendable () -> Bool = { true }
  ) async throws(ChatFailure) {
    let deadline = time.now + .seconds(seconds)
    var last = "no answer"
    repeat {
      do throws(TransportError) {
        let response = try await look(at: endpoint.rootURL("health"))
        let status = response.status
        if status != 429 && status < 500 && status != 408 { return }
        // A gateway may say so of a path that it does not know.
        if status != 503, status != 429, try await isListing() { return }
        last = "status \(status)"
      } catch {
        // No time makes a certificate better.
        if error.isFatal { throw failure(error.code, "\(error)") }
        last = "\(error)"
      }
      do {
        try await time.sleep(for: .milliseconds(250))
      } catch {
        break
      }
    } while time.now < deadline && isAlive() && !Task.isCancelled
    throw failure("not-ready", "expected it to be ready within \(seconds) s, found \(last)")
  }

  /// A look at a path: no model has to be asked for the answer, so that it may not take a model's time.
  private func look(at url: URL) async throws(TransportError) -> TransportResponse {
    try await transport.send(
      endpoint.request(url, firstByteSeconds: max(5, transport.limits.connectSeconds)))
  }

  private func isListing() async throws(TransportError) -> Bool {
    for base in endpoint.candidates {
      let response = try await look(at: endpoint.at(base).url("models"))
      if (200..<300).contains(response.status), Self.names(in: response.body) != nil { return true }
    }
    return false
  }

  /// The server at the base that its address means: the first where models are listed, else the first
  /// where a chat is answered.
  package func located() async throws(ChatFailure) -> ServerProbe {
    guard endpoint.candidates.count > 1 else { return self }
    let places = endpoint.candidates.map { base in
      ServerProbe(endpoint: endpoint.at(base), transport: transport, time: time)
    }
    for place in places {
      let response = try await place.answer(at: place.endpoint.url("models"))
      if (200..<300).contains(response.status), Self.names(in: response.body) != nil {
        return place
      }
    }
    for place in places where try await place.isChatting() { return place }
    return self
  }

  /// Whether there is a chat, whatever it thinks of an empty one.
  private func isChatting() async throws(ChatFailure) -> Bool {
    do throws(TransportError) {
      let response = try await transport.send(
        endpoint.request(endpoint.chat, body: Data("{}".utf8)))
      let isThere =
        ![404, 405, 410, 501].contains(response.status) && !(300..<400).contains(response.status)
      return isThere && ServerJSON.parse(response.body) != nil
    } catch {
      throw failure(error.code, "\(error)")
    }
  }

  /// The names of the server's list of models; nil where it has none, or keeps it from us.
  package func listedModels() async throws(ChatFailure) -> [String]? {
    try await modelList().names
  }

  /// The names as above, and what stands there where it is no list of models: for error messages.
  package func modelList() async throws(ChatFailure) -> (
    names: [String]?, status: Int, found: String
  ) {
    let url = endpoint.url("models")
    let response = try await answer(at: url)
    let isGood = (200..<300).contains(response.status)
    let said = response.body.isEmpty ? "" : ": " + endpoint.excerpt(response.body)
    let found = (isGood ? "no list" : "status \(response.status)") + said
    return (isGood ? Self.names(in: response.body) : nil, response.status, found)
  }

  /// The names of a list of models in some provider's form; nil where it is none.
  private static func names(in body: Data) -> [String]? {
    guard let node = ServerJSON.parse(body) else { return nil }
    let list = [node, node["data"], node["models"]].compactMap { $0?.elements }.first
    return list?.compactMap { entry in
      ["id", "model", "name"].compactMap { entry[$0]?.text }.first ?? entry.text
    }
  }

  /// The names of `GET /v1/models`, which there must be.
  package func models() async throws(ChatFailure) -> [String] {
    let (names, status, found) = try await modelList()
    if let names { return names }
    throw failure(
      .http(status), "expected a list of models at \(endpoint.url("models").path), found \(found)")
  }

  /// What a reply to a model's name says answered; nil where there is no reply of a named model.
  package func answeringModel(to name: String) async throws(ChatFailure) -> String? {
    let request = ChatRequest(
      messages: [ChatMessage(role: .user, content: "Hello.")], decoding: Decoding(maxTokens: 16))
    let body = RequestBody(request: request, model: name, fields: DialectFields(), topLogprobs: nil)
    // As little as possible that a server could refuse.
    let others = RequestForm.omittable.filter { $0 != RequestForm.tokenLimit }
    for refused in [[], [RequestForm.tokenLimit]] {
      let data = try body.encoded(RequestForm(omitted: others, refused: refused))
      do throws(TransportError) {
        let response = try await transport.send(endpoint.request(endpoint.chat, body: data))
        if (200..<300).contains(response.status) {
          return ServerJSON.parse(response.body)?["model"]?.text
        }
      } catch {
        throw failure(error.code, "\(error)")
      }
    }
    return nil
  }

  /// The loaded adapters of a server that speaks llama-server's dialect; nil where it has no such
  /// path.
  package func adapters() async throws(ChatFailure) -> [Adapter]? {
    let response = try await answer(at: endpoint.rootURL("lora-adapters"))
    guard (200..<300).contains(response.status) else { return nil }
    return try? JSONDecoder().decode([Adapter].self, from: response.body)
  }

  /// Where a server of some kind says what it is: a text in an object at a path of its root.
  package struct BuildField: Sendable {
    package var path: String
    package var name: String

    package init(path: String, name: String) {
      self.path = path
      self.name = name
    }

    package static let llamaCpp = BuildField(path: "props", name: "build_info")
    package static let vLLM = BuildField(path: "version", name: "version")
  }

  /// What a server of some kind says it is; nil where it says nothing of the kind.
  package func build(of field: BuildField) async -> String? {
    guard let response = try? await look(at: endpoint.rootURL(field.path)),
      (200..<300).contains(response.status)
    else { return nil }
    return ServerJSON.parse(response.body)?[field.name]?.text
  }

  /// What the server says it is; nil where it says nothing.
  package func build() async -> String? {
    if let build = await build(of: .llamaCpp) { return build }
    return await build(of: .vLLM)
  }

  /// Posts a JSON object to a path below `/v1`.
  func post(
    _ path: String, _ fields: [String: String]
  ) async throws(ChatFailure) -> TransportResponse {
    do {
      return try await transport.send(
        endpoint.request(endpoint.url(path), body: try JSONEncoder().encode(fields)))
    } catch let error as TransportError {
      throw failure(error.code, "\(error)")
    } catch {
      throw failure("invalid-request", "\(error)")
    }
  }

  /// What stands at a path, once the server is not busy with something else: a gateway's 502 while a
  /// server starts is no answer.
  ///
  /// - Throws: `ChatFailure` where there is no response at all.
  private func answer(at url: URL) async throws(ChatFailure) -> TransportResponse {
    let deadline = time.now + .seconds(transport.limits.connectSeconds)
    while true {
      let isLast: Bool
      do throws(TransportError) {
        let response = try await look(at: url)
        isLast = time.now >= deadline
        if isLast || !RetryPolicy.isTransient(status: response.status) { return response }
      } catch {
        if error.isFatal || time.now >= deadline { throw failure(error.code, "\(error)") }
      }
      do { try await time.sleep(for: .milliseconds(500)) } catch { throw .cancelled }
    }
  }

  private func failure(_ code: ErrorCode, _ message: String) -> ChatFailure {
    ChatFailure(
      code: code, message: "\(endpoint.name): \(message)", attempts: 1, latencyMilliseconds: 0,
      isFatal: true)
  }
}
