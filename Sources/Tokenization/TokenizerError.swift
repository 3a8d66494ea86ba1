import Support

/// Why a tokenizer could not be read. Every case names the file, and the place in it where one is
/// to blame.
package enum TokenizerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file is missing or cannot be opened.
  case unreadableFile(file: String, reason: String)
  /// There is no tokenizer.json, but files from which it can be made.
  case otherForm(folder: String, found: [String])
  /// The file is not JSON; `offset` counts bytes from its start.
  case notJSON(file: String, offset: Int, reason: String)
  /// The value at `path` is absent or of another kind.
  case unexpectedValue(file: String, path: String, expected: String, found: String)
  /// A component this tokenizer does not have.
  case unsupported(file: String, path: String, component: String, supported: String)
  /// Two tokens claim one id.
  case duplicateID(file: String, id: Int, first: String, second: String)
  /// One token is listed twice.
  case duplicateToken(file: String, token: String)
  /// An id no vocabulary can hold, or none of this one.
  case idOutOfRange(file: String, path: String, id: Int, limit: Int)
  /// Merge number `index` (from 0) is built from, or makes, a token the vocabulary lacks.
  case mergeOfUnknownToken(file: String, index: Int, token: String)
  /// Another file names a token that tokenizer.json does not hold.
  case unknownToken(file: String, path: String, token: String)
  /// A regular expression ICU does not take.
  case invalidPattern(file: String, path: String, pattern: String, reason: String)

  package var description: String {
    switch self {
    case .unreadableFile(let file, let reason):
      return "\(file): cannot be read (\(reason)); a Hugging Face model folder holds it"
    case .otherForm(let folder, let found):
      return
        "\(folder): expected tokenizer.json, found \(found.joined(separator: ", ")) alone; make it "
        + "with transformers: python -c \"from transformers import AutoTokenizer as T; "
        + "T.from_pretrained('\(folder)', use_fast=True).save_pretrained('\(folder)')\""
    case .notJSON(let file, let offset, let reason):
      return "\(file): not JSON at byte \(offset): \(reason); download the file again"
    case .unexpectedValue(let file, let path, let expected, let found):
      return "\(file): expected \(expected) at \(path), found \(found)"
    case .unsupported(let file, let path, let component, let supported):
      return
        "\(file): \(path) is \(component.shortened), which is not supported; supported: \(supported)"
    case .duplicateID(let file, let id, let first, let second):
      return "\(file): id \(id) belongs to both \(first.shortened.debugDescription) and "
        + "\(second.shortened.debugDescription); every token needs an id of its own"
    case .duplicateToken(let file, let token):
      return "\(file): the token \(token.shortened.debugDescription) is listed twice in model.vocab"
    case .idOutOfRange(let file, let path, let id, let limit):
      return "\(file): expected an id from 0 to \(limit - 1) at \(path), found \(id)"
    case .mergeOfUnknownToken(let file, let index, let token):
      return "\(file): model.merges[\(index)] needs the token \(token.shortened.debugDescription), "
        + "which model.vocab lacks"
    case .unknownToken(let file, let path, let token):
      return
        "\(file): \(path) is \(token.shortened.debugDescription), which tokenizer.json does not hold; "
        + "the two files belong to different models"
    case .invalidPattern(let file, let path, let pattern, let reason):
      return "\(file): the regular expression \(pattern.shortened.debugDescription) at \(path) "
        + "is not valid (\(reason))"
    }
  }
}
