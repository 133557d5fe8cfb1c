import Cryptography
import Testing

/// Base 64 as RFC 4648 writes it, and nothing else.
@Suite struct Base64Tests {
  /// RFC 4648, section 10.
  static let vectors = [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ]

  @Test(arguments: vectors)
  func `the vectors of the RFC are written and read`(_ plain: String, _ encoded: String) {
    #expect(Base64.encode(bytes(plain)) == encoded)
    #expect(Base64.decode(bytes(encoded)) == bytes(plain))
  }

  @Test func `every byte is read as it was written`() {
    let all = (0...255).map { UInt8($0) }
    for count in 0...all.count {
      let some = Array(all.suffix(count))
      #expect(Base64.decode(Array(Base64.encode(some).utf8)) == some)
    }
  }

  @Test(arguments: [
    "Z", "Zg", "Zg=", "Zg===", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm9-",
    "Zm9_", "=m9v", "Zm=v", "Zg=v", "Zm9é",
  ])
  func `what has another form is refused`(_ text: String) {
    #expect(Base64.decode(bytes(text)) == nil)
  }
}
