import Foundation
import HTTP
import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// No key, password or header's value is kept, printed or sent where it should not go.
@Suite struct SecretsTests {
  static let secret = "sk-Ab/1+\"x\\yz"

  static let spellings = [
    secret, "sk-Ab%2F1%2B%22x%5Cyz", "sk-Ab%2f1%2b%22x%5cyz", "sk-Ab\\/1+\\\"x\\\\yz",
    "sk-Ab\\u002f1\\u002B\\u0022x\\u005cyz", "\\\\\\\"sk-Ab/1+\\\\\\\"x\\\\\\\\yz",
    "sk-Ab/1+&quot;x\\yz", Data(secret.utf8).base64EncodedString(),
    Data("user:\(secret)".utf8).base64EncodedString(),
  ]

  @Test(arguments: spellings) func everySpellingIsTakenOut(spelled: String) {
    var secrets = Secrets([Self.secret])
    secrets.insert(user: "user", password: Self.secret)
    for (before, after) in [("a ", " b"), ("\0", "\0"), ("", ""), ("é", "\u{301}"), ("\"", "\"")] {
      let text = before + spelled + after
      for cleaned in [
        secrets.cleaned(text), String(decoding: secrets.cleaned(Data(text.utf8)), as: UTF8.self),
      ] {
        // By bytes: a combining character would hide the mark from a comparison of characters.
        func has(_ part: String) -> Bool { Data(cleaned.utf8).range(of: Data(part.utf8)) != nil }
        #expect(has("[key]"))
        #expect(!has("sk-Ab") && !has(String(spelled.prefix(6))))
      }
    }
  }

  @Test func placeholdersStayInReplies() {
    let secrets = Secrets(["none", "EMPTY"])
    let body = Data("{\"tool_choice\":\"none\",\"content\":\"EMPTY\"}".utf8)
    #expect(secrets.cleaned(body) == body)
    #expect(secrets.cleaned("bad key EMPTY") == "bad key [key]")
    #expect(Secrets().cleaned("a") == "a")
  }

  @Test(arguments: [
    ("--endpoint https://user:pw@host/v1", "--endpoint https://[key]@host/v1"),
    ("https://host/v1?key=abc&api-version=2", "https://host/v1?key=[key]&api-version=2"),
    ("https://user:p/w?x@host", "https://[key]@host"),
    ("https://host?abcdef", "https://host?[key]"),
    ("vllm serve m --api-key abc --port 1", "vllm serve m --api-key [key] --port 1"),
    ("HF_TOKEN=hf_abc vllm serve m", "HF_TOKEN=[key] vllm serve m"),
    ("--max-tokens 60 --seed 1", "--max-tokens 60 --seed 1"),
    ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
  ])
  func commandsAreKeptWithoutCredentials(text: String, kept: String) {
    #expect(Secrets.withoutCredentials(text) == kept)
  }

  /// What a server echoes reaches neither a message nor a reply.
  @Test func echoesAreCleanedBeforeAnybodyReadsThem() async throws {
    let key = "sk-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH"
    let server = try ScriptedHTTPServer { exchange in
      if exchange.number == 0 {
        exchange.say("your key is \(key), %73k? \\u0000\(key)\\u0000")
      } else {
        exchange.reply(
          "{\"error\":{\"message\":\"\(String(repeating: "x", count: 180))\(key)\"}}",
          status: "400 Bad Request", headers: ["Location: /\(key)"])
      }
    }
    defer { server.stop() }
    let client = try ClientTests.client(server, key: key)
    let reply = try await client.complete(ClientTests.request)
    #expect(reply.text == "your key is [key], %73k? \0[key]\0")
    let failure = await #expect(throws: ChatFailure.self) {
      try await client.complete(ClientTests.request)
    }
    #expect(failure?.message.contains("sk-") == false)
    #expect(failure?.message.contains("[key]") == true)
  }

  @Test func keysAreTrimmedAndLineEndsRefused() throws {
    func lines(_ key: String) throws -> [String] {
      try Endpoint("http://h", environment: ["LOXEVAL_API_KEY": key]).authorization
    }
    #expect(try lines(" abc\r\n") == ["Authorization: Bearer abc"])
    #expect(try lines(" \n") == [])
    for key in ["abc\r\nX: 1", "a\0b", "a\u{1B}b", "a\u{85}b", "a\u{2028}b"] {
      let error = #expect(throws: TransportError.self) { try lines(key) }
      #expect(error?.isFatal == true && error?.description.contains("abc") == false)
    }
  }

  @Test func headersOfOtherSchemesComeFromTheEnvironment() throws {
    let environment = ["A": "one two", "B": " 3 ", "LOXEVAL_API_KEY": "k-123456"]
    let credentials = try Credentials(environment: environment, headers: ["X-Api-Key=A", "X-B=B"])
    #expect(
      credentials.lines(basic: nil)
        == ["Authorization: Bearer k-123456", "X-Api-Key: one two", "X-B: 3"])
    #expect(credentials.lines(basic: "abc").first == "Authorization: Basic abc")
    let other = try Credentials(environment: environment, headers: ["authorization=A"])
    #expect(other.lines(basic: "abc") == ["authorization: one two"])
    for text in ["X-Api-Key", "=A", "X=", "X Y=A", "X\r\nY=A", "Host=A", "X=C", "Content-Length=A"]
    {
      #expect(throws: CredentialError.self) {
        try Credentials(environment: environment, headers: [text])
      }
    }
  }

  @Test func anAddressKeepsItsPasswordToItself() throws {
    let endpoint = try Endpoint(
      "https://user:p%40ss-word@h:1/v1?key=querykey1", environment: ["OPENAI_API_KEY": "sk-other"])
    #expect(endpoint.name == "h:1")
    #expect(
      endpoint.authorization
        == ["Authorization: Basic " + Data("user:p@ss-word".utf8).base64EncodedString()])
    #expect(endpoint.chat.absoluteString == "https://h:1/v1/chat/completions?key=querykey1")
    #expect(endpoint.excerpt(Data("p@ss-word p%40ss-word querykey1".utf8)) == "[key] [key] [key]")
    for text in ["ftp://user:pw@h", "user:pw@h", "https://user:pw@h:99999", "https://user:pw@"] {
      let error = #expect(throws: TransportError.self) { try Endpoint(text, environment: [:]) }
      #expect(error?.description.contains("pw") == false, "\(error?.description ?? "")")
    }
  }
}
