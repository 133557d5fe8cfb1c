import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Commands without a service on a disk that is full, or ends within what they write. Needs to be root: it
  /// mounts it.
  @Suite struct EndingDiskTests {
    /// A disk of `kibibytes` beside a page that another file has taken, so that there may be nothing left.
    private struct Disk: ~Copyable {
      let path: String

      init(_ path: String, kibibytes: Int) throws {
        self.path = path
        try DevelopmentFiles.makeDirectory(path)
        let options = "size=\(4 + kibibytes)k,mode=0700"
        try ChildProcess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path])
        try ChildProcess.run(["sh", "-c", "head -c 4096 /dev/zero > \(path)/other"])
        try ChildProcess.run(["chown", "\(try Account.name):\(try Account.group)", path])
      }

      deinit {
        _ = try? ChildProcess.run(["umount", "--lazy", path])
        _ = try? ChildProcess.run(["rmdir", path])
      }
    }

    /// Lets `command` make a store on disks that grow until it fits. Where it does not, there has to be
    /// nothing left of it, and a word of the disk; how many of the disks were too small.
    private func grow(
      _ stage: Stage, by kibibytes: Int, madeBefore: Bool, _ command: [String]
    ) throws -> Int {
      let configuration = "\(stage.directory)/other.yaml"
      let text = try DevelopmentFiles.readText(stage.configuration)
        .replacing("path: store", with: "path: disk/store")
      try Account.write(Array(text.utf8), to: configuration)
      let keys = try DevelopmentFiles.names(in: "\(stage.directory)/keys")
      for tooSmall in 0..<100 {
        let disk = try Disk("\(stage.directory)/disk", kibibytes: tooSmall * kibibytes)
        let store = "\(disk.path)/store"
        if madeBefore { try Account.makeDirectory(store) }
        do {
          try ChildProcess.run(
            stage.programs.vaultCommand(command + ["--config", configuration]))
          #expect(DevelopmentFiles.exists("\(store)/cards.mdb"))
          return tooSmall
        } catch {
          let told = "\(error)"
          #expect(told.contains("ended with status 3"), "\(told)")
          #expect(
            told.contains("its disk is full; make room there")
              || told.contains("No space left on device; make room on its disk"), "\(told)")
          #expect(!told.contains("cadenas status") && !told.contains("cadenas check"), "\(told)")
          #expect(DevelopmentFiles.exists(store) == madeBefore)
          if madeBefore { #expect(try DevelopmentFiles.names(in: store) == [], "\(told)") }
          #expect(try DevelopmentFiles.names(in: "\(stage.directory)/keys") == keys)
        }
      }
      throw Stage.Failed("no disk is large enough")
    }

    @Test(arguments: [false, true])
    func initLeavesNothingOnADiskThatEndsAndSaysSo(madeBefore: Bool) async throws {
      try await Stage.withStage { stage in
        try await stage.stop()
        #expect(try grow(stage, by: 12, madeBefore: madeBefore, ["init"]) > 2)
      }
    }

    @Test func aRestoreLeavesNothingOnADiskThatEndsAndSaysSo() async throws {
      try await Stage.withStage { stage in
        try await stage.stop()
        try ChildProcess.run(
          stage.programs.developmentCommand([
            "fill", "--directory", stage.directory, "--cards", "1000",
          ]))
        try await stage.start()
        let backup = "\(stage.directory)/backup.mdb"
        _ = try stage.cadenas("store", "backup", "--to", backup)
        try await stage.stop()
        // Steps that are no whole number of LMDB's writes, so that the disk ends within one.
        #expect(
          try grow(stage, by: 52, madeBefore: true, ["store", "restore", "--from", backup]) > 3)
      }
    }
  }
}
