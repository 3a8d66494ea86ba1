import Foundation
import TestSupport
import Testing

@testable import Hub

@Suite struct RepositoryReferenceTests {
  @Test(arguments: [
    ("org/name", "org/name", "main"), ("Org-1/na_me.2@v1.0", "Org-1/na_me.2", "v1.0"),
    ("a/b@refs/pr/1", "a/b", "refs/pr/1"), ("a/b@0123456", "a/b", "0123456"),
    ("a/b@feature/x+y", "a/b", "feature/x+y"),
  ])
  func namesAreRead(text: String, repository: String, revision: String) throws {
    let reference = try #require(RepositoryReference(text))
    #expect(reference.repository == repository)
    #expect(reference.revision == revision)
  }

  @Test(arguments: [
    "name", "/abs/path", "./a", "./a/b", "../a/b", "../b", "a/b/c", "a/", "/b", "a/b/", "a//b",
    "-a/b", "a/b-", ".a/b", "a/b.", "a--b/c", "a/b..c", "a b/c", "a/b@", "a/b@../c", "a/b@-x",
    "a/b@x//y", "a/b@.x", "a/b@x..y", "a/b@x.lock", "a/b@x y", "a/b@x:y", "é/b", "a/b\n", "~/b",
    "a\\b", "C:/b", String(repeating: "a", count: 96) + "/b",
  ])
  func othersArePaths(text: String) { #expect(RepositoryReference(text) == nil) }
}

@Suite struct HubEnvironmentTests {
  private static func environment(_ values: [String: String]) throws -> HubEnvironment {
    try HubEnvironment(values, home: "/home/u")
  }

  @Test(
    arguments: [
      ([:], "/home/u/.cache/huggingface/hub"),
      (["XDG_CACHE_HOME": "/x"], "/x/huggingface/hub"),
      (["HF_HOME": "/h", "XDG_CACHE_HOME": "/x"], "/h/hub"),
      (["HUGGINGFACE_HUB_CACHE": "/old", "HF_HOME": "/h"], "/old"),
      (["HF_HUB_CACHE": "/c", "HUGGINGFACE_HUB_CACHE": "/old"], "/c"),
      (["HF_HUB_CACHE": "~/c"], "/home/u/c"),
      (["HF_HUB_CACHE": "~/c", "HOME": "/root"], "/root/c"),
      (["HF_HOME": "$PLACE/h", "PLACE": "/p"], "/p/h/hub"),
      (["HF_HOME": "/a/${PLACE}x$NONE", "PLACE": "p"], "/a/px$NONE/hub"),
      (["HF_HUB_CACHE": "", "HF_HOME": ""], "/home/u/.cache/huggingface/hub"),
    ] as [([String: String], String)])
  func theCacheIsWhereHuggingfaceHubKeepsIt(values: [String: String], path: String) throws {
    #expect(try Self.environment(values).cache.path == path)
  }

  @Test(
    arguments: [
      (["HF_HUB_OFFLINE": "1"], true), (["HF_HUB_OFFLINE": "YES"], true),
      (["TRANSFORMERS_OFFLINE": "true"], true), (["HF_HUB_OFFLINE": "0"], false), ([:], false),
    ] as [([String: String], Bool)])
  func offlineIsObeyed(values: [String: String], isOffline: Bool) throws {
    #expect(try Self.environment(values).isOffline == isOffline)
  }

  @Test func endpointsAreAddresses() throws {
    #expect(
      try Self.environment(["HF_ENDPOINT": "http://h:1/x/"]).endpoint.absoluteString
        == "http://h:1/x")
    #expect(try Self.environment([:]).endpoint.absoluteString == "https://huggingface.co")
    #expect(throws: HubError.endpoint("ftp://h")) {
      try Self.environment(["HF_ENDPOINT": "ftp://h"])
    }
  }

  @Test func tokensAreFound() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("hf_file\n", "token")
    func token(_ values: [String: String]) throws -> [String?] {
      let found = try Self.environment(values).readToken()
      return [found?.text, found?.source]
    }
    #expect(try token(["HF_TOKEN": " hf_a ", "HF_HOME": folder.url.path]) == ["hf_a", "HF_TOKEN"])
    #expect(try token(["HF_HOME": folder.url.path]) == ["hf_file", file.path])
    #expect(try token(["HF_TOKEN_PATH": file.path]) == ["hf_file", file.path])
    #expect(try token(["HF_HOME": "/nowhere"]) == [nil, nil])
    #expect(throws: HubError.self) { try token(["HF_TOKEN": "two words"]) }
    #expect(throws: HubError.self) { try token(["HF_TOKEN_PATH": folder.url.path]) }
  }
}
