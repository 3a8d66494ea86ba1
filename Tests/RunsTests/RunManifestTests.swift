import Foundation
import Support
import TestSupport
import Testing

@testable import Runs

/// What stands where a run should.
@Suite struct RunManifestTests {
  @Test func aRunWhoseModelsAreBeingMadeIsNoneYetAndSaysSo() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    #expect(throws: RunError.runMissing(path: path)) { try RunManifest.read(from: folder.url) }
    let lock = try FolderLock(path)
    #expect(throws: RunError.runPreparing(path: path)) { try RunManifest.read(from: folder.url) }
    withExtendedLifetime(lock) {}
  }
}
