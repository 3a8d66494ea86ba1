package import Foundation
import Support

/// The runs below a folder.
package enum RunList {
  /// What is wrong with the folder itself.
  package struct Missing: Error, CustomStringConvertible {
    let path: String
    package var description: String { "\(path): expected a folder to look for runs in, found none" }
  }

  /// Each folder that holds a run, the earliest run first, then those that cannot be read.
  ///
  /// Runs are looked for below folders that are none; links to folders and hidden folders are passed over.
  package static func below(_ folder: URL) throws(Missing) -> [RunEntry] {
    var isFolder = ObjCBool(false)
    guard unsafe FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder),
      isFolder.boolValue
    else { throw Missing(path: folder.path) }
    return folders(folder).map(RunEntry.init).sorted { first, second in
      (first.begun == nil ? 1 : 0, first.begun ?? "", first.run)
        < (second.begun == nil ? 1 : 0, second.begun ?? "", second.run)
    }
  }

  private static func folders(_ folder: URL) -> [URL] {
    let files = FileManager.default
    var found: [URL] = []
    var open = [folder]
    while let place = open.popLast() {
      let names = ((try? files.contentsOfDirectory(atPath: place.path)) ?? []).sorted()
      if names.contains("run.json") || names.contains("samples.jsonl") {
        found.append(place)
        continue
      }
      for name in names where !name.hasPrefix(".") {
        let inner = place.appending(path: name)
        // Of the entry itself: a link's type is its own.
        let type = try? files.attributesOfItem(atPath: inner.path)[.type] as? FileAttributeType
        if type == .typeDirectory { open.append(inner) }
      }
    }
    return found
  }
}
