/** Grafana's dark look, as far as a picture needs it. */
export const PAGE_STYLE: string = `
*{box-sizing:border-box;margin:0}
body{background:#111217;color:#ccccdc;font:13px Inter,'Helvetica Neue',Arial,'Noto Sans CJK JP',sans-serif;
  position:relative;overflow:hidden}
header{display:flex;align-items:center;height:44px;padding:0 16px;border-bottom:1px solid #25262c}
header h1{font-size:16px;font-weight:500;flex:1}
header time{border:1px solid #34353b;border-radius:2px;padding:5px 10px;font-size:12px}
nav{display:flex;gap:8px;padding:6px 8px}
.choice{border:1px solid #34353b;border-radius:2px;font-size:12px;line-height:26px;padding-right:8px}
.choice b{font-weight:500;background:#22252b;padding:6px 8px;margin-right:8px;color:#fff}
.row{position:absolute;font-size:15px;font-weight:500;line-height:30px;padding-left:4px}
.panel{position:absolute;background:#181b1f;border:1px solid #25262c;border-radius:2px;padding:0 8px 8px;
  overflow:hidden}
.panel h2{font-size:13px;font-weight:500;line-height:33px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.empty{color:#8e8e9b;text-align:center;padding:6% 10px}
svg{display:block}
svg text{fill:#a3a3b0;font-size:11px}
svg .grid{stroke:rgba(204,204,220,.09)}
.legend{display:flex;flex-wrap:wrap;font-size:12px;line-height:20px;overflow:hidden;max-height:40px}
.legend span{margin-right:14px;white-space:nowrap;max-width:300px;overflow:hidden;text-overflow:ellipsis}
.legend i{display:inline-block;width:14px;height:4px;border-radius:2px;margin:0 6px 3px 0}
.legend em{color:#8e8e9b}
.tiles{display:flex}
.tile{position:relative;display:flex;flex-direction:column;align-items:center;justify-content:center;
  text-align:center;padding:0 6px;overflow:hidden}
.tile small{font-size:13px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;max-width:100%}
.tile strong{font-weight:500;line-height:1.15;position:relative}
.spark{position:absolute;left:0;bottom:0}
table{border-collapse:collapse;width:100%;table-layout:fixed;font-size:12.5px}
th{color:#6e9fff;text-align:left;font-weight:500;height:30px;border-bottom:1px solid #25262c}
td{height:30px;border-bottom:1px solid #25262c}
th,td{padding:0 8px;border-right:1px solid #25262c}
th:last-child,td:last-child{border-right:0}
.number{text-align:right;font-variant-numeric:tabular-nums}
.link{color:#6e9fff}
.clip{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.gauge div{display:inline-block;width:calc(100% - 78px);height:14px;background:#22252b;vertical-align:middle}
.gauge b{display:block;height:14px}
.gauge span{display:inline-block;width:76px;text-align:right;font-variant-numeric:tabular-nums}
.levels{padding-top:2px}
.level{display:flex;align-items:center;gap:10px;margin-bottom:4px}
.level label{width:32%;text-align:right;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.level div{flex:1;height:100%;background:#22252b}
.level b{display:block;height:100%}
.level span{width:84px;font-size:14px;font-weight:500}
`;
