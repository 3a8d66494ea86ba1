extension JSONNode {
  /// An object with a member set, in its old place or at the end; of other values the value itself.
  package func setting(_ key: String, to value: JSONNode) -> JSONNode {
    guard case .object(var members) = self else { return self }
    let member = Member(key: key, value: value)
    if let place = members.firstIndex(where: { $0.key == key }) {
      members[place] = member
    } else {
      members.append(member)
    }
    return .object(members)
  }

  /// As `setting`, unless the object has the member already.
  package func setting(_ key: String, ifMissing value: @autoclosure () -> JSONNode) -> JSONNode {
    if let found = self[key], found != .null { return self }
    return setting(key, to: value())
  }

  /// An object without a member.
  package func removing(_ key: String) -> JSONNode {
    guard case .object(let members) = self else { return self }
    return .object(members.filter { $0.key != key })
  }

  /// An object with a member changed, where it has it.
  package func changing(_ key: String, _ change: (JSONNode) -> JSONNode) -> JSONNode {
    guard let value = self[key] else { return self }
    return setting(key, to: change(value))
  }

  package static let emptyObject = JSONNode.object([Member]())

  package static func object(of members: [(String, JSONNode)]) -> JSONNode {
    .object(members.map { Member(key: $0.0, value: $0.1) })
  }
}
