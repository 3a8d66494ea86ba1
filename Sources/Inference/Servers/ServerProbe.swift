import Foundation
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

  /// Waits until `GET /health` says yes; servers answer 503 while they load. One that has no such
  /// path (404) is taken for ready.
  ///
  /// - Parameter isAlive: whether waiting makes sense.
  package func waitUntilReady(
    seconds: Double, isAlive: @Sendable () -> Bool = { true }
  ) async throws(ChatFailure) {
    let deadline = time.now + .seconds(seconds)
    var last = "no answer"
    repeat {
      do throws(TransportError) {
        let response = try await transport.send(
          TransportRequest(url: endpoint.rootURL("health"), headers: endpoint.authorization))
        if (200..<300).contains(response.status) || response.status == 404 { return }
        last = "status \(response.status)"
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

  /// The names of `GET /v1/models`.
  package func models() async throws(ChatFailure) -> [String] {
    struct List: Decodable {
      struct Model: Decodable { var id: String }
      var data: [Model]
    }
    let list: List = try await get(endpoint.url("models"), "a list of models")
    return list.data.map(\.id)
  }

  /// The loaded adapters of a server that speaks llama-server's dialect; nil where it has no such
  /// path.
  package func adapters() async throws(ChatFailure) -> [Adapter]? {
    do throws(ChatFailure) {
      return try await get(endpoint.rootURL("lora-adapters"), "a list of adapters")
    } catch {
      if error.code == .http(404) { return nil }
      throw error
    }
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
    let values: [String: BuildText]? = try? await get(endpoint.rootURL(field.path), "a build")
    return values?[field.name]?.text
  }

  /// What the server says it is; nil where it says nothing.
  package func build() async -> String? {
    if let build = await build(of: .llamaCpp) { return build }
    return await build(of: .vLLM)
  }

  /// A value of which only a text is read.
  private struct BuildText: Decodable {
    let text: String?

    init(from decoder: any Decoder) throws {
      text = try? decoder.singleValueContainer().decode(String.self)
    }
  }

  /// Posts a JSON object to a path below `/v1`.
  func post(
    _ path: String, _ fields: [String: String]
  ) async throws(ChatFailure) -> TransportResponse {
    do {
      return try await transport.send(
        TransportRequest(
          url: endpoint.url(path), body: try JSONEncoder().encode(fields),
          headers: ["Content-Type: application/json"] + endpoint.authorization))
    } catch let error as TransportError {
      throw failure(error.code, "\(error)")
    } catch {
      throw failure("invalid-request", "\(error)")
    }
  }

  private func get<Value: Decodable>(
    _ url: URL, _ expected: String
  ) async throws(ChatFailure) -> Value {
    let response: TransportResponse
    do throws(TransportError) {
      response = try await transport.send(
        TransportRequest(url: url, headers: endpoint.authorization))
    } catch {
      throw failure(error.code, "\(error)")
    }
    guard (200..<300).contains(response.status) else {
      throw failure(
        .http(response.status),
        "expected \(expected) at \(url.path), found status \(response.status): "
          + endpoint.excerpt(response.body))
    }
    do {
      return try JSONDecoder().decode(Value.self, from: response.body)
    } catch {
      throw failure(
        "malformed-reply",
        "expected \(expected) at \(url.path), found: \(endpoint.excerpt(response.body))")
    }
  }

  private func failure(_ code: ErrorCode, _ message: String) -> ChatFailure {
    ChatFailure(
      code: code, message: "\(endpoint.name): \(message)", attempts: 1, latencyMilliseconds: 0,
      isFatal: true)
  }
}
