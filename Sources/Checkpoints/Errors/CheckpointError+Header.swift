extension CheckpointError {
  /// What is wrong with one safetensors file. Offsets count from the first byte after the header.
  package enum HeaderFault: Error, Hashable, Sendable, CustomStringConvertible {
    case tooShort(byteCount: Int)
    case headerTooLong(length: UInt64, limit: Int)
    case headerBeyondFile(length: Int, available: Int)
    case notUTF8
    case notJSON(reason: String, offset: Int)
    case notAnObject(found: String)
    case metadataInvalid(found: String)
    case duplicateTensor(name: String)
    case entryNotAnObject(tensor: String, found: String)
    case duplicateKey(tensor: String, key: String)
    case missingKey(tensor: String, key: String)
    case unexpectedKey(tensor: String, key: String)
    case unknownDataType(tensor: String, found: String)
    case shapeInvalid(tensor: String, found: String)
    case shapeTooLarge(tensor: String, shape: [Int], dtype: DataType)
    case offsetsInvalid(tensor: String, found: String)
    case offsetsReversed(tensor: String, begin: Int, end: Int)
    case byteCountMismatch(tensor: String, shape: [Int], dtype: DataType, expected: Int, found: Int)
    case dataBeyondEnd(tensor: String, end: Int, available: Int)
    case overlap(tensor: String, begin: Int, other: String, otherEnd: Int)
    case gap(tensor: String, begin: Int, expected: Int)
    case trailingBytes(expected: Int, found: Int)

    package var description: String { "not a valid safetensors file: \(detail)" }

    private var detail: String {
      switch self {
      case .tooShort(let byteCount):
        return "expected at least the 8 bytes of the header's length, found \(byteCount)"
      case .headerTooLong(let length, let limit):
        return "the header's length is given as \(length) bytes; the format allows \(limit)"
      case .headerBeyondFile(let length, let available):
        return
          "the header's length is given as \(length) bytes, but \(available) follow; the file may be"
          + " cut short: copy or download it again"
      case .notUTF8:
        return "the header is not UTF-8"
      case .notJSON(let reason, let offset):
        return "the header is not JSON: \(reason), at byte \(offset)"
      case .notAnObject(let found):
        return "expected the header to be a JSON object of tensors, found \(found)"
      case .metadataInvalid(let found):
        return "expected __metadata__ to map strings to strings, each once, found \(found)"
      case .duplicateTensor(let name):
        return "tensor \(name) is described twice"
      case .entryNotAnObject(let tensor, let found):
        return "expected a JSON object to describe tensor \(tensor), found \(found)"
      case .duplicateKey(let tensor, let key):
        return "tensor \(tensor) gives \(key) twice"
      case .missingKey(let tensor, let key):
        return "tensor \(tensor) does not give its \(key)"
      case .unexpectedKey(let tensor, let key):
        return "tensor \(tensor) gives \(key); expected dtype, shape and data_offsets only"
      case .unknownDataType(let tensor, let found):
        return "tensor \(tensor) has dtype \(found), which the format does not know"
      case .shapeInvalid(let tensor, let found):
        return "expected the shape of tensor \(tensor) as integers of 0 or more, found \(found)"
      case .shapeTooLarge(let tensor, let shape, let dtype):
        return
          "tensor \(tensor) of shape \(shape) and dtype \(dtype) is not a countable, whole number of"
          + " bytes"
      case .offsetsInvalid(let tensor, let found):
        return
          "expected data_offsets of tensor \(tensor) as two integers of 0 or more, found \(found)"
      case .offsetsReversed(let tensor, let begin, let end):
        return "tensor \(tensor) begins at byte \(begin), after its end at \(end)"
      case .byteCountMismatch(let tensor, let shape, let dtype, let expected, let found):
        return
          "tensor \(tensor) of shape \(shape) and dtype \(dtype) needs \(expected) bytes, but its"
          + " offsets hold \(found)"
      case .dataBeyondEnd(let tensor, let end, let available):
        return
          "tensor \(tensor) ends at byte \(end) of the data, but the file holds \(available); it may"
          + " be cut short: copy or download it again"
      case .overlap(let tensor, let begin, let other, let otherEnd):
        return
          "tensor \(tensor) begins at byte \(begin), inside tensor \(other), which ends at \(otherEnd)"
      case .gap(let tensor, let begin, let expected):
        return
          "tensor \(tensor) begins at byte \(begin); expected it at \(expected), where the tensor"
          + " before it ends"
      case .trailingBytes(let expected, let found):
        return "the tensors end at byte \(expected) of the data, but the file holds \(found)"
      }
    }
  }
}
