import Foundation

/// A folder of this process for readers that want files; the next input overwrites the last.
struct ScratchFolder {
  let url: URL

  init() {
    url = FileManager.default.temporaryDirectory
      .appending(path: "loxeval-fuzz-\(ProcessInfo.processInfo.processIdentifier)")
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      fatalError("no scratch folder: \(error)")
    }
  }

  func write(_ bytes: some DataProtocol, to name: String) -> URL {
    let file = url.appending(path: name)
    do {
      try Data(bytes).write(to: file)
    } catch {
      fatalError("no scratch file: \(error)")
    }
    return file
  }
}
