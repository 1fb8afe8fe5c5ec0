using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;

/// <summary>Build task: marks one required symbol version of an ELF library as weak, where the system's libstdc++ does not offer it.</summary>
public class RelaxSymbolVersion : Microsoft.Build.Utilities.Task
{
    private const uint VersionNeedSection = 0x6ffffffe; // SHT_GNU_verneed (System V ABI, GNU extension)
    private const int Weak = 2;                         // VER_FLG_WEAK

    [Required]
    public string Library { get; set; }

    [Required]
    public string Version { get; set; }

    public override bool Execute()
    {
        if (SystemOffers(Version)) return true;
        var bytes = File.ReadAllBytes(Library);
        if (!MarkWeak(bytes)) return true;

        // A new file renamed over the old name: the old one may be a hard link into the package cache.
        var fresh = Library + ".relaxed";
        File.WriteAllBytes(fresh, bytes);
        File.Delete(Library);
        File.Move(fresh, Library);
        Log.LogMessage(MessageImportance.Normal, "Marked " + Version + " as weak in " + Library);
        return true;
    }

    private static bool SystemOffers(string version)
    {
        string[] folders = { "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib/x86_64-linux-gnu", "/lib64" };
        foreach (var folder in folders)
        {
            var path = Path.Combine(folder, "libstdc++.so.6");
            if (!File.Exists(path)) continue;
            var text = Encoding.ASCII.GetString(File.ReadAllBytes(path));
            return text.IndexOf(version + "\0", StringComparison.Ordinal) >= 0;
        }

        return false;
    }

    // Walks the section headers to .gnu.version_r and its auxiliary entries (Elf64_Verneed, Elf64_Vernaux).
    private bool MarkWeak(byte[] elf)
    {
        long table = BitConverter.ToInt64(elf, 40);
        int size = BitConverter.ToUInt16(elf, 58);
        int count = BitConverter.ToUInt16(elf, 60);
        bool changed = false;
        for (int section = 0; section < count; section++)
        {
            int header = (int)table + section * size;
            if (BitConverter.ToUInt32(elf, header + 4) != VersionNeedSection) continue;
            int stringSection = (int)table + BitConverter.ToInt32(elf, header + 40) * size;
            int strings = (int)BitConverter.ToInt64(elf, stringSection + 24);
            int need = (int)BitConverter.ToInt64(elf, header + 24);
            while (true)
            {
                int auxiliary = need + BitConverter.ToInt32(elf, need + 8);
                for (int i = 0, entries = BitConverter.ToUInt16(elf, need + 2); i < entries; i++)
                {
                    int name = strings + BitConverter.ToInt32(elf, auxiliary + 8);
                    int end = Array.IndexOf(elf, (byte)0, name);
                    bool wanted = Encoding.ASCII.GetString(elf, name, end - name) == Version;
                    if (wanted && (elf[auxiliary + 4] & Weak) == 0)
                    {
                        elf[auxiliary + 4] |= Weak;
                        changed = true;
                    }

                    auxiliary += BitConverter.ToInt32(elf, auxiliary + 12);
                }

                int next = BitConverter.ToInt32(elf, need + 12);
                if (next == 0) break;
                need += next;
            }
        }

        return changed;
    }
}
