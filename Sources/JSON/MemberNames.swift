/// Names that the members of an object may have, to be asked for all at once.
///
/// Whether a member's name is among them is decided by its hash, and by its bytes only where that is
/// the same: a request has a handful of members, and each is held against some twenty names.
package struct MemberNames: Sendable, ExpressibleByArrayLiteral {
  fileprivate struct Name {
    let text: String
    let hash: UInt32
  }

  fileprivate let names: [Name]

  /// The names as they are once unescaped.
  package init(arrayLiteral names: String...) { self.init(names) }

  /// The names as they are once unescaped.
  package init(_ names: [String]) {
    self.names = names.map { text in
      var hash = NameHash()
      for byte in text.utf8 { hash.add(byte) }
      return Name(text: text, hash: hash.value)
    }
  }
}

extension JSONDocument {
  /// Which of `names` is the unescaped name of a member; nil for none of them.
  package func name(of member: Node, among names: MemberNames) -> String? {
    for name in names.names
    where name.hash == member.keyHash && isKey(of: member, equalTo: name.text) {
      return name.text
    }
    return nil
  }
}

/// The hash of a member's unescaped name: FNV-1a, of 32 bits. Anybody can make two names collide, so it
/// only ever saves a comparison.
struct NameHash {
  private(set) var value: UInt32 = 2_166_136_261

  @inline(__always)
  mutating func add(_ byte: UInt8) { value = (value ^ UInt32(byte)) &* 16_777_619 }
}
