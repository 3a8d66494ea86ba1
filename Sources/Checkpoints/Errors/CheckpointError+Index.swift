extension CheckpointError {
  /// What is wrong with a shard index, or where it and its shards contradict each other.
  package enum IndexFault: Error, Hashable, Sendable, CustomStringConvertible {
    case notUTF8
    case notJSON(reason: String, offset: Int)
    /// `weight_map` is missing, not an object of strings, or given twice.
    case weightMapInvalid(found: String)
    case empty
    case duplicateTensor(name: String)
    case shardOutsideFolder(tensor: String, shard: String)
    case shardMissing(tensor: String, shard: String)
    case tensorMissing(name: String, shard: String)
    case tensorInTwoShards(name: String, first: String, second: String)

    package var description: String {
      switch self {
      case .notUTF8:
        return "the index is not UTF-8"
      case .notJSON(let reason, let offset):
        return "the index is not JSON: \(reason), at byte \(offset)"
      case .weightMapInvalid(let found):
        return
          "expected an object with one weight_map that maps tensor names to file names, found"
          + " \(found)"
      case .empty:
        return "the index names no tensor"
      case .duplicateTensor(let name):
        return "the index names tensor \(name) twice"
      case .shardOutsideFolder(let tensor, let shard):
        return
          "the index puts tensor \(tensor) into \(shard); expected the plain name of a .safetensors"
          + " file in the index's own folder"
      case .shardMissing(let tensor, let shard):
        return
          "the index puts tensor \(tensor) into \(shard), which is not in the folder; copy or"
          + " download it again"
      case .tensorMissing(let name, let shard):
        return "the index puts tensor \(name) into \(shard), which does not hold it"
      case .tensorInTwoShards(let name, let first, let second):
        return
          "tensor \(name) is in both \(first) and \(second); expected it in one;"
          + " remove the file that is not of this checkpoint, or download it anew"
      }
    }
  }
}
