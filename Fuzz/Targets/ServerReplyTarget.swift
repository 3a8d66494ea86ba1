import Foundation
import HTTP
import ModelAccess

@testable import Inference

/// The body of a server's answer. A failure's message is short, printable and without the key.
struct ServerReplyTarget: FuzzTarget {
  static let name = "server-reply"

  private static let key = "k3y"
  private let endpoint: Endpoint

  init() {
    do throws(TransportError) {
      endpoint = try Endpoint(
        "http://127.0.0.1:1", environment: [Endpoint.keyVariables[0]: Self.key])
    } catch {
      fatalError("\(error)")
    }
  }

  func run(_ bytes: [UInt8]) {
    for (status, type) in [(200, "application/json"), (200, nil), (302, nil), (500, "text/html")] {
      let location = String(decoding: bytes, as: UTF8.self)
      let headers: ResponseHeaders =
        type.map { ["location": location, "content-type": $0] } ?? ["location": location]
      let response = TransportResponse(
        status: status, headers: headers, body: Data(bytes), milliseconds: 1)
      for (model, isProbe) in [(nil, false), (nil, true), ("m", false)] as [(String?, Bool)] {
        let parser = ReplyParser(
          endpoint: endpoint, attempts: 1, expectedModel: model, isProbe: isProbe)
        switch parser.parse(response).result {
        case .success(let reply): _ = (reply.chat.text.count, reply.logprobs?.count)
        case .failure(let failure):
          check(!failure.message.contains(Self.key), "a key is not shown")
          check(failure.message.utf8.count < 2_000, "a message is short")
          let isPrintable = failure.message.unicodeScalars
            .allSatisfy { $0.properties.generalCategory != .control }
          check(isPrintable, "a message is printable")
        }
      }
    }
  }
}
