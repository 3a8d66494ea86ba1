/// What can be wrong with a checkpoint or an adapter on disk.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
  // Files.
  case folderMissing(path: String)
  case noWeights(folder: String)
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  case outputExists(path: String)

  // A safetensors header.
  case fileTooShort(file: String, byteCount: Int)
  case headerLengthOutOfRange(file: String, found: UInt64, limit: Int)
  case headerNotJSON(file: String, reason: String)
  case duplicateTensor(file: String, name: String)
  case malformedEntry(file: String, name: String, reason: String)
  case unknownElementType(file: String, name: String, found: String)
  case shapeOverflow(file: String, name: String, shape: [Int])
  case offsetsOutOfRange(file: String, name: String, offsets: [Int], dataByteCount: Int)
  case byteCountMismatch(file: String, name: String, expected: Int, found: Int)
  case overlap(file: String, first: String, second: String, at: Int)
  case gap(file: String, before: String, from: Int, to: Int)
  case trailingBytes(file: String, count: Int)

  // An index of shards.
  case malformedIndex(file: String, reason: String)
  case shardOutsideFolder(index: String, shard: String)
  case shardMissing(index: String, shard: String)
  case tensorMissingFromShard(shard: String, name: String)
  case tensorNotInIndex(shard: String, name: String)

  // Tensors.
  case tensorMissing(folder: String, name: String)
  case notNumeric(name: String, elementType: String)
  case notAMatrix(name: String, shape: [Int])
  case shapeMismatch(name: String, expected: [Int], found: [Int])

  // Adapters.
  case unsupportedAdapter(folder: String, what: String, advice: String)
  case malformedAdapter(folder: String, what: String, expected: String, found: String)

  public var description: String {
    switch self {
    case .folderMissing(let path):
      "\(path): expected a folder with a checkpoint, found none; check the path"
    case .noWeights(let folder):
      "\(folder): expected model.safetensors or model.safetensors.index.json, found neither; "
        + "is this a Hugging Face model folder with safetensors weights?"
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
    case .unwritable(let path, let reason):
      "\(path): cannot be written: \(reason)"
    case .outputExists(let path):
      "\(path): exists already; name another output or remove it first"
    case .fileTooShort(let file, let byteCount):
      "\(file): expected at least 8 bytes of header length, found \(byteCount) bytes; the file is "
        + "not safetensors or was cut short"
    case .headerLengthOutOfRange(let file, let found, let limit):
      "\(file): expected a header of 2 to \(limit) bytes, found a length of \(found); the file is "
        + "not safetensors or was cut short"
    case .headerNotJSON(let file, let reason):
      "\(file): expected the header to be a JSON object, found \(reason)"
    case .duplicateTensor(let file, let name):
      "\(file): tensor \(name): expected each name once, found it twice"
    case .malformedEntry(let file, let name, let reason):
      "\(file): tensor \(name): \(reason)"
    case .unknownElementType(let file, let name, let found):
      "\(file): tensor \(name): expected a safetensors dtype, found \(found)"
    case .shapeOverflow(let file, let name, let shape):
      "\(file): tensor \(name): expected a shape whose size fits in 63 bits, found \(shape)"
    case .offsetsOutOfRange(let file, let name, let offsets, let dataByteCount):
      "\(file): tensor \(name): expected two ascending data_offsets within the \(dataByteCount) "
        + "bytes of data, found \(offsets); the file may have been cut short"
    case .byteCountMismatch(let file, let name, let expected, let found):
      "\(file): tensor \(name): expected \(expected) bytes from its dtype and shape, found \(found)"
    case .overlap(let file, let first, let second, let at):
      "\(file): tensor \(second): expected to begin where \(first) ends, found an overlap at byte "
        + "\(at) of the data"
    case .gap(let file, let before, let from, let to):
      "\(file): tensor \(before): expected to begin at byte \(from) of the data, found \(to): a gap"
    case .trailingBytes(let file, let count):
      "\(file): expected the data to end with the last tensor, found \(count) more bytes"
    case .malformedIndex(let file, let reason):
      "\(file): expected a JSON object with weight_map, tensor name to file name: \(reason)"
    case .shardOutsideFolder(let index, let shard):
      "\(index): expected plain file names in this folder, found \(shard)"
    case .shardMissing(let index, let shard):
      "\(index): expected the shard \(shard) beside it, found none; the download may be incomplete"
    case .tensorMissingFromShard(let shard, let name):
      "\(shard): tensor \(name): expected it here by the index, found none"
    case .tensorNotInIndex(let shard, let name):
      "\(shard): tensor \(name): found in the shard, but the index does not place it here"
    case .tensorMissing(let folder, let name):
      "\(folder): tensor \(name): expected it in the checkpoint, found none"
    case .notNumeric(let name, let elementType):
      "tensor \(name): expected F32, F16 or BF16, found \(elementType)"
    case .notAMatrix(let name, let shape):
      "tensor \(name): expected two dimensions, found shape \(shape)"
    case .shapeMismatch(let name, let expected, let found):
      "tensor \(name): expected shape \(expected), found \(found); was it made for another model?"
    case .unsupportedAdapter(let folder, let what, let advice):
      "\(folder): \(what) is not supported; \(advice)"
    case .malformedAdapter(let folder, let what, let expected, let found):
      "\(folder): \(what): expected \(expected), found \(found)"
    }
  }
}
