import Foundation
import HTTP
import ModelAccess
import Testing

@testable import Inference

/// What a server says is shown in messages, but never a key, a control character or a page of it.
@Suite struct ServerTextTests {
  static func endpoint(key: String) throws -> Endpoint {
    try Endpoint("http://127.0.0.1:1", environment: ["LOXEVAL_API_KEY": key])
  }

  @Test func aWrongModelsNameIsCutAndWithoutTheKey() throws {
    let name = "secret \\u001b[2J" + String(repeating: "x", count: 5_000)
    let parser = ReplyParser(
      endpoint: try Self.endpoint(key: "secret"), attempts: 1, expectedModel: "m")
    let body = "{\"model\":\"\(name)\",\"choices\":[{\"message\":{\"content\":\"a\"}}]}"
    let response = TransportResponse(
      status: 200, headers: [:], body: Data(body.utf8), milliseconds: 1)
    guard case .failure(let failure) = parser.parse(response).result else {
      Issue.record("an answer of another model was taken")
      return
    }
    #expect(failure.message.contains("expected an answer of m, found one of [key]  [2Jxxx"))
    #expect(failure.message.utf8.count < 400)
    #expect(failure.message.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }

  @Test(arguments: ["é", "日", "🙂"]) func noPartOfAKeyIsShown(filler: String) throws {
    let endpoint = try Self.endpoint(key: "0123456789")
    for count in 0..<200 {
      let text = String(repeating: filler, count: count) + "0123456789"
      #expect(!endpoint.excerpt(Data(text.utf8)).contains("0"))
    }
  }
}
