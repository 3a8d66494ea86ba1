import Foundation
import TinyModel

// Writes FOLDER/base and FOLDER/aligned: random models of a few thousand parameters, for the demo.
guard CommandLine.arguments.count == 2 else {
  FileHandle.standardError.write(Data("usage: make-tiny-pair FOLDER\n".utf8))
  exit(64)
}
let folder = URL(filePath: CommandLine.arguments[1])
try TinyModel.write(to: folder.appending(path: "base"), seed: 1)
try TinyModel.write(to: folder.appending(path: "aligned"), seed: 2, from: (seed: 1, scale: 0.1))
