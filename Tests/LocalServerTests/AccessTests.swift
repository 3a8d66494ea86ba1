import Foundation
import Testing

@testable import LocalServer

/// Which requests a page of the web could have made a browser send.
@Suite struct AccessTests {
  private func status(
    _ rules: AccessRules, host: [String] = ["localhost"], origin: String? = nil
  ) -> Int {
    var headers = host.map { (name: "host", value: $0) }
    if let origin { headers.append((name: "ORIGIN", value: origin)) }
    do throws(APIError) {
      try rules.check(HTTPRequest(method: "POST", path: "/lora-adapters", headers: headers))
      return 200
    } catch {
      return error.status
    }
  }

  private let local = AccessRules(allowedHosts: ["127.0.0.1"], isLoopback: true)

  @Test(arguments: [
    "localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:40123", "127.8.9.1", "[::1]:80",
    "localhost.",
  ])
  func thisMachinesNamesAreAnsweredTo(host: String) {
    #expect(status(local, host: [host]) == 200)
    #expect(status(local, origin: "http://\(host)") == 200)
  }

  @Test(arguments: [
    "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example",
    "127.evil.example", "localhost@evil.example", "192.168.1.5", "[::2]", "2130706433",
    "0x7f000001", "0.0.0.0", "", " ", "localhost:99999", "localhost:80:80", "[::1", "[::1]x",
    "localhost evil.example", "localhost\u{0}",
  ])
  func othersAreNot(host: String) {
    #expect(status(local, host: [host]) == 403)
    #expect(status(local, origin: "http://\(host)") == 403)
  }

  @Test(arguments: ["null", "", "file://", "chrome-extension://localhost", "localhost", "http://"])
  func originsThatAreNoPageOfThisMachineAreRefused(origin: String) {
    #expect(status(local, origin: origin) == 403)
  }

  @Test func oneHostOrNone() {
    #expect(status(local, host: []) == 200)
    #expect(status(local, host: ["localhost", "localhost"]) == 400)
  }

  @Test func whatItIsToldIsAllowedToo() {
    let told = AccessRules(allowedHosts: ["Box.example", "0.0.0.0"], isLoopback: false)
    #expect(status(told, host: ["box.example:80"]) == 200)
    #expect(status(told, origin: "https://box.example") == 200)
    // No name can be made to stand for an address, and others reach it by one.
    #expect(status(told, host: ["192.168.1.5:8000"]) == 200)
    #expect(status(told, host: ["other.example"]) == 403)
    let any = AccessRules(allowedHosts: ["*"], isLoopback: true)
    #expect(status(any, host: ["evil.example"], origin: "null") == 200)
  }

  @Test func addressesInRequestLinesAreRead() {
    for (target, path, host) in [
      ("/v1/models?x=1", "/v1/models", "localhost"), ("/a%20b", "/a b", "localhost"),
      ("http://evil.example/v1/models", "/v1/models", "evil.example"),
      ("http://evil.example", "/", "evil.example"), ("*", "*", "localhost"),
      ("/%zz", "/%zz", "localhost"), ("/x?a=http://b", "/x", "localhost"),
    ] {
      var request = HTTPRequest(
        method: "GET", path: "", headers: [(name: "Host", value: "localhost")])
      request.read(target: target)
      #expect(request.path == path)
      #expect(request.values(of: "host") == [host])
    }
  }
}
