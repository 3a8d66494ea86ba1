import Foundation
import Support

/// What is wrong with a checkpoint, an adapter or the place where one is to be written.
///
/// The description says what was expected, what was found and what to do.
package enum CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file system refused, or holds something else than what was expected.
  case fileSystem(FileSystemFault)
  /// A safetensors file is malformed; `file` is its path.
  case header(file: String, HeaderFault)
  /// A folder's `model.safetensors.index.json` is malformed or contradicts its shards.
  case index(file: String, IndexFault)
  /// A tensor was asked for that is not there or not of the kind asked for.
  case tensor(name: String, file: String, TensorFault)
  /// A PEFT adapter folder is malformed, unsupported or does not fit the checkpoint.
  case adapter(folder: String, AdapterFault)

  package var description: String {
    switch self {
    case .fileSystem(let fault): fault.description
    case .header(let file, let fault): "\(file): \(fault)"
    case .index(let file, let fault): "\(file): \(fault)"
    case .tensor(let name, let file, let fault): "\(file): tensor \(name) \(fault)"
    case .adapter(let folder, let fault): "\(folder): \(fault)"
    }
  }

  /// The failure of the system call just made, from `errno`.
  static func system(_ operation: String, _ path: String) -> CheckpointError {
    .fileSystem(.system(operation: operation, path: path, code: errno))
  }

  /// Why a file that is there, or should be, cannot be read.
  static func unreadable(_ path: String, _ fault: RegularFile.Fault) -> CheckpointError {
    switch fault.kind {
    case .missing: .fileSystem(.system(operation: "open", path: path, code: ENOENT))
    case .system(let code): .fileSystem(.system(operation: "open", path: path, code: code))
    case .notRegular(let found): .fileSystem(.notAFile(path: path, found: found))
    case .tooLarge, .notText: .fileSystem(.unreadable(path: path, reason: fault.reason))
    }
  }
}

extension CheckpointError {
  /// What the file system refused.
  package enum FileSystemFault: Hashable, Sendable, CustomStringConvertible {
    /// A system call failed; `code` is its `errno`.
    case system(operation: String, path: String, code: Int32)
    /// A folder, a pipe, a socket or a device.
    case notAFile(path: String, found: String)
    /// Larger than its kind may be.
    case unreadable(path: String, reason: String)
    /// Written or replaced since it was opened.
    case changed(path: String)
    case emptyFile(path: String)
    case folderMissing(path: String)
    /// A single file, such as GGUF's.
    case notAFolder(path: String)
    /// Neither `model.safetensors` nor its index is in the folder; `others` are weights that are.
    case noWeights(folder: String, others: [String])
    case outputExists(path: String)
    /// Another process is writing it.
    case outputInUse(path: String)
    case notEnoughSpace(path: String, needed: Int, available: Int)
    /// What a killed process left was begun with other models or settings.
    case unfinishedDiffers(path: String)

    package var description: String {
      switch self {
      case .system(let operation, let path, let code):
        return "cannot \(operation) \(path): \(unsafe String(cString: strerror(code)))"
      case .notAFile(let path, let found):
        return "\(path): expected a file, found \(found)"
      case .unreadable(let path, let reason):
        return "\(path): cannot be read: \(reason)"
      case .changed(let path):
        return
          "\(path) was written or replaced while it was in use, so nobody knows which weights the"
          + " results are of; let nothing write to it, and start again"
      case .emptyFile(let path):
        return "\(path): the file is empty; copy or download it again"
      case .folderMissing(let path):
        return "\(path): no such folder"
      case .notAFolder(let path):
        return
          "\(path): expected a Hugging Face or PEFT folder, found a file; single files such as GGUF's"
          + " are not read"
      case .noWeights(let folder, let others):
        let found =
          others.isEmpty ? "" : "; found \(others.joined(separator: ", ")), which is not read"
        return
          "\(folder): expected model.safetensors or model.safetensors.index.json, found neither"
          + found
      case .outputExists(let path):
        return "\(path) already exists; remove it or name another"
      case .outputInUse(let path):
        return "\(path) is being written by another process; wait for it, or name another output"
      case .unfinishedDiffers(let path):
        return
          "\(path) was begun with other models or settings; repeat those, or start anew without"
          + " --resume"
      case .notEnoughSpace(let path, let needed, let available):
        return
          "\(path): \(needed) bytes are needed and \(available) are free; free some space or write"
          + " elsewhere"
      }
    }
  }

  /// Why a tensor cannot be read as asked.
  package enum TensorFault: Hashable, Sendable, CustomStringConvertible {
    case missing
    /// Its values are of a type that is only carried through.
    case notConvertible(dtype: DataType)
    case notAMatrix(shape: [Int])
    case otherShape(expected: [Int], found: [Int])
    /// Holds so many values that are no numbers, the first of them `found`.
    case notFinite(found: String, count: Int, of: Int)

    package var description: String {
      switch self {
      case .missing: "was expected and is not there"
      case .notConvertible(let dtype):
        "is stored as \(dtype); expected one of"
          + " \(ElementType.allCases.map(\.rawValue).joined(separator: ", "))"
      case .otherShape(let expected, let found):
        "was expected to have shape \(expected), found \(found); are the models of one kind?"
      case .notFinite(let found, let count, let total):
        "holds \(count) values of \(total) that are no numbers, the first of them \(found); the training"
          + " that wrote it diverged, or the file is damaged"
      case .notAMatrix(let shape): "was expected to have two dimensions, found shape \(shape)"
      }
    }
  }
}
