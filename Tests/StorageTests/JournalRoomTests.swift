import Glibc
import Storage
import TestSupport
import Testing

/// A map that ends at any page while the journal has what LMDB lacks.
@Suite(.timeLimit(.minutes(20))) struct JournalRoomTests {
  /// Sizes that are tried, a page apart. `CADENAS_ROOM_SIZES` sets more.
  private static var sizes: Int {
    unsafe getenv("CADENAS_ROOM_SIZES").flatMap { unsafe Int(String(cString: $0)) } ?? 12
  }

  @Test func `a map that is full at any page loses nothing and ends nothing`() throws {
    // Room for some commits.
    let first = (8 << 20) / 4_096
    for pages in first..<first + Self.sizes {
      let directory = try TemporaryDirectory()
      let mapSize = pages * 4_096
      let store = try directory.newStore(mapSize: mapSize)
      let end = WriterEnd()
      try end.startWriter(of: store)
      var stored: Set<Int> = []
      var refused = 0
      var mostPending = 0
      var number = 0
      while refused < 40, number < 20_000 {
        let jobs = (number..<number + 5).map { number in
          // Some are appended, some lie apart, some are large.
          Job(number % 11 == 0 ? .reserved : .ordinary) {
            try $0.put(number * 7_919 % 30_000, valueBytes: 100 + number % 1_400, in: .audit)
          }
        }
        store.commitTogether(jobs)
        mostPending = max(mostPending, store.pendingFrames.count)
        for (offset, job) in jobs.enumerated() {
          if job.succeeded {
            stored.insert((number + offset) * 7_919 % 30_000)
          } else {
            refused += 1
          }
          if !job.succeeded { #expect(job.storageError == .full) }
        }
        number += jobs.count
      }
      #expect(refused > 0 && mostPending > 0, "\(pages) pages")
      // As a crash would leave it.
      let killed = "\(directory.path)/killed"
      try #require(unsafe mkdir(killed, 0o700) == 0)
      for file in ["cards.mdb", "cards.journal"] {
        try copyFile("\(directory.store)/\(file)", to: "\(killed)/\(file)")
      }
      let recovered = try Store.open(at: killed, mapSize: mapSize)
      let missing = try recovered.read { transaction in
        try stored.filter { try !transaction.contains($0, in: .audit) }
      }
      try #require(missing.isEmpty, "\(missing.count) of \(stored.count) at \(pages) pages")
      #expect(try recovered.count(of: .audit) == stored.count)
      #expect(try store.count(of: .audit) == stored.count)
      store.stopWriter()
    }
  }
}

/// Copies a file as it is.
func copyFile(_ path: String, to name: String) throws {
  let bytes = try contents(of: path)
  let descriptor = unsafe open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { throw StorageError.system(call: "open", errno: errno) }
  defer { close(descriptor) }
  let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
  guard count == bytes.count else { throw StorageError.system(call: "write", errno: errno) }
}
