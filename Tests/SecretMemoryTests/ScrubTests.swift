import CScrub
import Glibc
import Testing

/// What the whole process calls `free` and `realloc`, this test program being linked with CScrub as
/// `cadenas` is.
///
/// The functions are looked up as a shared library finds them: the compiler may leave out a pair of
/// `malloc` and `free` that it sees, and what has to be proved is that libraries get ours.
@safe
private struct Allocator {
  struct NotFound: Error { let name: String }

  let malloc: @convention(c) (Int) -> UnsafeMutableRawPointer?
  let calloc: @convention(c) (Int, Int) -> UnsafeMutableRawPointer?
  let alignedAlloc: @convention(c) (Int, Int) -> UnsafeMutableRawPointer?
  let realloc: @convention(c) (UnsafeMutableRawPointer?, Int) -> UnsafeMutableRawPointer?
  let reallocarray: @convention(c) (UnsafeMutableRawPointer?, Int, Int) -> UnsafeMutableRawPointer?
  let free: @convention(c) (UnsafeMutableRawPointer?) -> Void

  init() throws {
    unsafe malloc = unsafe unsafeBitCast(try Self.find("malloc"), to: type(of: malloc))
    unsafe calloc = unsafe unsafeBitCast(try Self.find("calloc"), to: type(of: calloc))
    unsafe alignedAlloc = unsafe unsafeBitCast(
      try Self.find("aligned_alloc"), to: type(of: alignedAlloc))
    unsafe realloc = unsafe unsafeBitCast(try Self.find("realloc"), to: type(of: realloc))
    unsafe reallocarray = unsafe unsafeBitCast(
      try Self.find("reallocarray"), to: type(of: reallocarray))
    unsafe free = unsafe unsafeBitCast(try Self.find("free"), to: type(of: free))
  }

  static func find(_ name: String) throws -> UnsafeMutableRawPointer {
    // nil is RTLD_DEFAULT: the order in which the dynamic linker searches.
    guard let function = unsafe dlsym(nil, name) else { throw NotFound(name: name) }
    return unsafe function
  }
}

/// A byte that is unlikely to be in memory by chance.
private let marker: UInt8 = 0xa5

/// A size that glibc keeps for the next caller in the same thread, so that nobody else writes to the
/// released block while a test looks at it.
private let blockSize = 1000

private func mark(_ block: UnsafeMutableRawPointer, count: Int) {
  unsafe block.initializeMemory(as: UInt8.self, repeating: marker, count: count)
}

/// How many markers a block holds, released or not. glibc writes its own pointers to the first 16
/// bytes of a released block, so these count neither way.
private func markers(in block: UnsafeMutableRawPointer, count: Int) -> Int {
  var found = 0
  for offset in 16..<count where unsafe block.load(fromByteOffset: offset, as: UInt8.self) == marker
  {
    found += 1
  }
  return found
}

struct ScrubTests {
  private let allocator: Allocator

  init() throws {
    allocator = try Allocator()
  }

  private func markedBlock(count: Int = blockSize) throws -> UnsafeMutableRawPointer {
    guard let block = unsafe allocator.malloc(count) else {
      throw Allocator.NotFound(name: "memory")
    }
    unsafe mark(block, count: count)
    return unsafe block
  }

  @Test(arguments: ["free", "realloc"]) func librariesGetTheFunctionsOfTheProgram(
    name: String
  ) throws {
    let library = unsafe dlopen("libc.so.6", RTLD_LAZY)
    let original = unsafe dlsym(library, name)
    let found = unsafe try Allocator.find(name)
    let isReplaced = unsafe original != nil && original != found
    #expect(isReplaced)
  }

  @Test func freeClears() throws {
    let block = unsafe try markedBlock()
    unsafe allocator.free(block)
    let left = unsafe markers(in: block, count: blockSize)
    #expect(left == 0)
  }

  @Test func freeClearsAlignedMemory() throws {
    guard let block = unsafe allocator.alignedAlloc(256, 768) else {
      throw Allocator.NotFound(name: "memory")
    }
    unsafe mark(block, count: 768)
    unsafe allocator.free(block)
    let left = unsafe markers(in: block, count: 768)
    #expect(left == 0)
  }

  @Test func freeTakesNullAndMappedMemory() throws {
    allocator.free(nil)
    unsafe allocator.free(try markedBlock(count: 64 << 20))
  }

  @Test func growingMovesTheContentsAndClearsTheOldBlock() throws {
    let old = unsafe try markedBlock()
    guard let new = unsafe allocator.realloc(old, 100_000) else {
      throw Allocator.NotFound(name: "memory")
    }
    let left = unsafe markers(in: old, count: blockSize)
    let moved = unsafe markers(in: new, count: blockSize)
    unsafe allocator.free(new)
    #expect(left == 0)
    #expect(moved == blockSize - 16)
  }

  @Test func growingByReallocarrayClearsTheOldBlock() throws {
    let old = unsafe try markedBlock()
    guard let new = unsafe allocator.reallocarray(old, 100, 1000) else {
      throw Allocator.NotFound(name: "memory")
    }
    let left = unsafe markers(in: old, count: blockSize)
    let moved = unsafe markers(in: new, count: blockSize)
    unsafe allocator.free(new)
    #expect(left == 0)
    #expect(moved == blockSize - 16)
  }

  @Test func growingAMappedBlockKeepsItsContents() throws {
    let old = unsafe try markedBlock(count: 1 << 20)
    guard let new = unsafe allocator.realloc(old, 8 << 20) else {
      throw Allocator.NotFound(name: "memory")
    }
    let moved = unsafe markers(in: new, count: 1 << 20)
    unsafe allocator.free(new)
    #expect(moved == 1 << 20 - 16)
  }

  @Test func shrinkingALittleClearsTheTail() throws {
    let old = unsafe try markedBlock()
    guard let new = unsafe allocator.realloc(old, 900) else {
      throw Allocator.NotFound(name: "memory")
    }
    let isInPlace = unsafe new == old
    let left = unsafe markers(in: new, count: blockSize)
    unsafe allocator.free(new)
    #expect(isInPlace)
    #expect(left == 900 - 16)
  }

  @Test func shrinkingALotMovesAndClearsTheOldBlock() throws {
    let old = unsafe try markedBlock()
    guard let new = unsafe allocator.realloc(old, 100) else {
      throw Allocator.NotFound(name: "memory")
    }
    let left = unsafe markers(in: old, count: blockSize)
    let moved = unsafe markers(in: new, count: 100)
    unsafe allocator.free(new)
    #expect(left == 0)
    #expect(moved == 100 - 16)
  }

  @Test func reallocOfNullAllocatesAndToZeroReleases() throws {
    guard let block = unsafe allocator.realloc(nil, blockSize) else {
      throw Allocator.NotFound(name: "memory")
    }
    unsafe mark(block, count: blockSize)
    let none = unsafe allocator.realloc(block, 0)
    let left = unsafe markers(in: block, count: blockSize)
    let isNull = unsafe none == nil
    #expect(isNull)
    #expect(left == 0)
  }

  @Test func aReallocThatFailsLeavesTheBlockAlone() throws {
    let block = unsafe try markedBlock()
    let none = unsafe allocator.realloc(block, Int.max - 4096)
    let code = errno
    let kept = unsafe markers(in: block, count: blockSize)
    unsafe allocator.free(block)
    let isNull = unsafe none == nil
    #expect(isNull)
    #expect(code == ENOMEM)
    #expect(kept == blockSize - 16)
  }

  @Test func freeKeepsErrno() throws {
    let block = unsafe try markedBlock()
    errno = EDOM
    unsafe allocator.free(block)
    let code = errno
    #expect(code == EDOM)
  }

  @Test func callocIsZeroAfterABlockWasReleased() throws {
    unsafe allocator.free(try markedBlock())
    guard let block = unsafe allocator.calloc(blockSize, 1) else {
      throw Allocator.NotFound(name: "memory")
    }
    var sum = 0
    for offset in 0..<blockSize {
      sum += Int(unsafe block.load(fromByteOffset: offset, as: UInt8.self))
    }
    unsafe allocator.free(block)
    #expect(sum == 0)
  }
}
