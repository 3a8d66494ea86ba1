import Foundation
import ModelAccess
import Testing

/// What models are called whose folder a cache made.
@Suite struct ModelFolderNamesTests {
  private static let commit = String(repeating: "0123456789", count: 4)

  @Test(arguments: [
    ("/a/models/tuned", "tuned", "tuned"),
    ("/c/hub/models--org--name/snapshots/\(commit)", "name", "org/name"),
    ("/c/hub/models--org--na-me.2/snapshots/\(commit)/", "na-me.2", "org/na-me.2"),
    ("/c/hub/models--gpt2/snapshots/\(commit)", "gpt2", "gpt2"),
    ("/c/hub/models--org--name/snapshots", "snapshots", "snapshots"),
    ("/c/hub/datasets--org--name/snapshots/\(commit)", commit, commit),
  ])
  func snapshotsAreCalledByTheirRepository(path: String, name: String, full: String) {
    let folder = URL(filePath: path)
    #expect(folder.modelName == name)
    #expect(folder.fullModelName == full)
    #expect(folder.labels.first == name)
    #expect(Set(folder.labels).count == folder.labels.count || full == name)
  }

  @Test func twoSnapshotsAreToldApart() {
    let labels = ["a", "b"].map { mark in
      URL(
        filePath: "/c/models--org--name/snapshots/\(String(repeating: mark, count: 40))"
      ).labels
    }
    #expect(labels[0][2] == "org/name@aaaaaaaaaaaa" && labels[1][2] == "org/name@bbbbbbbbbbbb")
  }
}
