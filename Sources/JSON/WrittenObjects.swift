extension JSONWriter {
  /// A document that is one object.
  package static func document(
    _ members: (inout JSONWriter) throws -> Void
  ) rethrows -> [UInt8] {
    var json = JSONWriter()
    try json.object(members)
    return json.bytes
  }

  /// Writes an object.
  package mutating func object(_ members: (inout JSONWriter) throws -> Void) rethrows {
    beginObject()
    try members(&self)
    endObject()
  }

  /// Writes a member that is an array of objects.
  package mutating func member<Elements: Sequence>(
    _ name: JSONName, objects elements: Elements,
    _ members: (inout JSONWriter, Elements.Element) throws -> Void
  ) rethrows {
    self.name(name)
    beginArray()
    for element in elements { try object { try members(&$0, element) } }
    endArray()
  }
}
