/// The methods of Python's lists, tuples and dictionaries that leave them as they are.
extension Library {
  static let listMethods = tupleMethods.merging([
    "copy": Method { list, _, _ in .list(try ListValue(list.items, origin: list.origin)) }
  ]) { $1 }

  static let tupleMethods: [String: Method<ListValue>] = [
    "index": Method(["value", "start", "stop"], required: 1) { list, arguments, interpreter in
      let clamp = { (bound: Int?, standard: Int) -> Int in
        let place = bound ?? standard
        return min(max(0, place < 0 ? place + list.items.count : place), list.items.count)
      }
      let start = clamp(try arguments.integer("start"), 0)
      let stop = clamp(try arguments.integer("stop"), list.items.count)
      for index in start..<max(start, stop)
      where try list.items[index].equals(arguments.value("value"), interpreter) {
        return .int(index)
      }
      throw TemplateError.operation("the list does not hold the value")
    },
    "count": Method(["value"], required: 1) { list, arguments, interpreter in
      .int(
        try list.items.filter { try $0.equals(arguments.value("value"), interpreter) }.count)
    },
  ]

  static let dictionaryMethods: [String: Method<DictionaryValue>] = [
    "get": Method(["key", "default"], required: 1) { dictionary, arguments, _ in
      try dictionary[arguments.value("key")] ?? arguments["default"] ?? .none
    },
    "keys": Method { dictionary, _, _ in
      .view(name: "dict_keys", try ListValue(dictionary.keys, origin: dictionary.origin))
    },
    "values": Method { dictionary, _, _ in
      .view(name: "dict_values", try ListValue(dictionary.values, origin: dictionary.origin))
    },
    "items": Method { dictionary, _, interpreter in
      try interpreter.charge(dictionary.keys.count)
      return .view(
        name: "dict_items", try ListValue(try dictionary.items, origin: dictionary.origin))
    },
    "copy": Method { dictionary, _, _ in .dictionary(dictionary) },
  ]
}
